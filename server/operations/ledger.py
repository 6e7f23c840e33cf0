"""The accounts of a server: how much each tenant runs at once, and what a request came to."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable

from sglc.server.engine.messages import Finished, JobReply, Sampled, Vector, Written
from sglc.server.errors import ApiError
from sglc.server.operations.context import Served, served


class Ledger:
    """Counts the model calls of whoever is served; implements ``engine.accounts.Accounts``.

    A request counts once for its tenant as long as any of its model calls runs, however many.
    """

    def __init__(self, *, isolates: bool, clock: Callable[[], float] = time.monotonic) -> None:
        self._isolates = isolates
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
        return JobAccount(about, self._close, self._clock)

    def _close(self, about: Served) -> None:
        about.open_jobs -= 1
        if not (about.open_jobs or about.is_background):
            self._running[about.tenant.name] -= 1
            if not self._running[about.tenant.name]:
                del self._running[about.tenant.name]


class JobAccount:
    """Adds what a job comes to to its request; implements ``engine.accounts.Account``."""

    def __init__(
        self, about: Served, close: Callable[[Served], None], clock: Callable[[], float]
    ) -> None:
        self._about = about
        self._close = close
        self._clock = clock
        self._began = clock()

    def replied(self, reply: JobReply) -> None:
        """Count a reply. The prompt of several samples is one."""
        usage = self._about.usage
        match reply:
            case Written():
                if usage.first_token_s is None:
                    usage.first_token_s = self._clock() - self._began
            case Sampled(sample=sample, result=result, stats=stats):
                if not sample:
                    usage.prompt_tokens += stats.prompt_tokens
                    usage.cached_tokens += stats.cached_tokens
                usage.completion_tokens += len(result.ids) if result else 0
            case Vector(stats=stats):
                usage.prompt_tokens += stats.prompt_tokens
                usage.cached_tokens += stats.cached_tokens
            case Finished(result={"stats": places}):  # of a run of a program
                for cost in places.values():
                    usage.prompt_tokens += cost["prompt_tokens"]
                    usage.cached_tokens += cost["cached_tokens"]
                    usage.completion_tokens += cost["completion_tokens"]
            case _:
                pass

    def ended(self) -> None:
        """The job is over."""
        self._close(self._about)
