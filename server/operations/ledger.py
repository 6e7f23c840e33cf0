"""The accounts of a server: how much each tenant runs at once, and what a request came to."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable

from sglc.server.engine.messages import Finished, JobReply, Sampled, Vector, Written
from sglc.server.errors import ApiError
from sglc.server.operations.context import Served, served
from sglc.server.operations.metrics import Metrics


class Ledger:
    """Counts the model calls of whoever is served; implements ``engine.accounts.Accounts``.

    A request counts once for its tenant as long as any of its model calls runs, however many.
    """

    def __init__(
        self,
        *,
        isolates: bool,
        metrics: Metrics | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._isolates = isolates
        self._metrics = metrics
        self._clock = clock
        self._running: Counter[str] = Counter()  # requests with open jobs, by tenant

    def num_running(self, tenant: str) -> int:
        """Requests of a tenant that have model calls now."""
        return self._running[tenant]

    def namespace(self) -> str:
        """Return whose cache is used: that of all, unless tenants are kept apart."""
        return served().tenant.name if self._isolates else ""

    def open(self) -> JobAccount:
        """Begin to count a job of what is served.

        Raises:
            ApiError: 429: its tenant runs as many requests as it may.
        """
        about = served()
        tenant = about.tenant
        if not (about.open_jobs or about.is_background):
            most = tenant.limits.max_concurrent
            if most is not None and self._running[tenant.name] >= most:
                raise ApiError(
                    429,
                    f"the key runs {most} requests with model calls at once (max_concurrent)",
                    code="too_many_requests",
                    headers={"Retry-After": "1"},
                )
            self._running[tenant.name] += 1
        about.open_jobs += 1
        about.usage.num_jobs += 1
        return JobAccount(about, self._close, self._clock, self._metrics)

    def _close(self, about: Served) -> None:
        about.open_jobs -= 1
        if not (about.open_jobs or about.is_background):
            self._running[about.tenant.name] -= 1
            if not self._running[about.tenant.name]:
                del self._running[about.tenant.name]


class JobAccount:
    """Adds what a job comes to to its request; implements ``engine.accounts.Account``.

    Times of tokens are those of streams: what is not streamed is told of when it is complete.
    """

    def __init__(
        self,
        about: Served,
        close: Callable[[Served], None],
        clock: Callable[[], float],
        metrics: Metrics | None = None,
    ) -> None:
        self._about = about
        self._close = close
        self._clock = clock
        self._metrics = metrics
        self._began = clock()
        self._first: dict[int, float] = {}  # by sample: when its first text came
        self._is_complete = False

    def replied(self, reply: JobReply) -> None:
        """Count a reply. The prompt of several samples is one."""
        match reply:
            case Written(sample=sample):
                if sample not in self._first:
                    self._first[sample] = self._clock()
                    if len(self._first) == 1:
                        self._note_first(self._first[sample] - self._began)
            case Sampled(sample=sample, result=result, stats=stats):
                count = len(result.ids) if result else 0
                if sample:
                    self._add(0, 0, count)
                else:
                    self._add(stats.prompt_tokens, stats.cached_tokens, count)
                if self._metrics is not None and count > 1 and sample in self._first:
                    took_s = self._clock() - self._first[sample]
                    self._metrics.token_s.observe(took_s / (count - 1))
            case Vector(stats=stats):
                self._add(stats.prompt_tokens, stats.cached_tokens, 0)
            case Finished(result=result):
                for cost in (result or {}).get("stats", {}).values():  # of a run of a program
                    self._add(
                        cost["prompt_tokens"], cost["cached_tokens"], cost["completion_tokens"]
                    )
                self._is_complete = True
            case _:
                pass

    def ended(self) -> None:
        """The job is over."""
        self._close(self._about)
        if self._metrics is None:
            return
        if self._is_complete:
            self._metrics.requests.inc()
            self._metrics.job_s.observe(self._clock() - self._began)
        else:
            self._metrics.aborted.inc()

    def _note_first(self, took_s: float) -> None:
        if self._about.usage.first_token_s is None:
            self._about.usage.first_token_s = took_s
        if self._metrics is not None:
            self._metrics.first_token_s.observe(took_s)

    def _add(self, prompt: int, cached: int, completion: int) -> None:
        usage = self._about.usage
        usage.prompt_tokens += prompt
        usage.cached_tokens += cached
        usage.completion_tokens += completion
        if self._metrics is not None:
            self._metrics.prompt_tokens.inc(prompt)
            self._metrics.cached_tokens.inc(cached)
            self._metrics.generation_tokens.inc(completion)
