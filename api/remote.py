"""Backends whose model is on a server: what the classes of providers share."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Literal

from sglc.backend import Backend, Made
from sglc.errors import NotSupportedError
from sglc.staging import caller_loc

if TYPE_CHECKING:
    from sglc.expressions import Gen, Select
    from sglc.runtime.remote.backend import RemoteBackend
    from sglc.runtime.remote.capabilities import Capabilities
    from sglc.runtime.remote.open import Remote
    from sglc.runtime.remote.policy import Policy
    from sglc.runtime.remote.usage import Usage

Emulate = Literal["validate-retry"]


class ServerBackend(Backend):
    """Runs programs here, and their model calls on a server.

    ``open_server`` opens it, in the thread of the executor. The options are those of ``Policy``:
    ``emulate="validate-retry"`` has what the server cannot be held to written freely, checked and
    written again; ``timeout_s`` is for a whole answer; ``max_retries`` is how often a request is
    sent again that failed for a while; ``requests_per_minute``, ``tokens_per_minute`` and
    ``max_in_flight`` are limits that requests wait for.

    Raises:
        ValueError: a limit is out of its range; the message names it.
        RemoteError: the server is asked what it is, and is not there.
        ModuleNotFoundError: the packages that ask servers are not there.
    """

    def __init__(
        self,
        open_server: Callable[[Policy], Remote],
        *,
        name: str,
        emulate: Emulate | None = None,
        timeout_s: float | None = None,
        max_retries: int | None = None,
        requests_per_minute: int | None = None,
        tokens_per_minute: int | None = None,
        max_in_flight: int | None = None,
    ) -> None:
        from sglc.runtime.remote.policy import Policy

        given: dict[str, Any] = {
            "emulate": emulate,
            "total_s": timeout_s,
            "max_retries": max_retries,
            "requests_per_minute": requests_per_minute,
            "tokens_per_minute": tokens_per_minute,
            "max_in_flight": max_in_flight,
        }
        self.policy = Policy(**{k: v for k, v in given.items() if v is not None})
        self._remote: RemoteBackend | None = None

        def make(wake: threading.Event) -> Made:
            from sglc.runtime.executor.executor import Executor

            opened = open_server(self.policy)
            self._remote, self.capabilities = opened.backend, opened.capabilities
            self.model = opened.model
            return Executor(opened.backend, opened.encoder, wake=wake), opened.encoder

        super().__init__(make, name=name, window=2 * self.policy.max_in_flight)

    capabilities: Capabilities
    """What the server can do natively."""
    model: str
    """What its model is called."""

    @property
    def token_usage(self) -> Usage:
        """What the server has billed so far."""
        assert self._remote is not None
        return self._remote.usage

    def price(self, input: float, output: float, cached: float | None = None) -> float:
        """Return about what has been spent so far.

        ``input``, ``output`` and ``cached`` are prices of a million tokens; without the last one
        tokens that the server had cached cost as much as others.
        """
        from sglc.runtime.remote.usage import Price

        return self.token_usage.cost(Price(input, output, cached))

    def check(
        self, call: Gen | Select, options: Mapping[str, Any], role: str | None, *, has_text: bool
    ) -> None:
        """Refuse a call that the server cannot do, before anything is sent."""
        from sglc.expressions import Gen
        from sglc.runtime.remote.check import (
            check_decode,
            check_place,
            check_select,
            check_type,
            refusal_of,
        )

        can = self.capabilities
        if isinstance(call, Gen):
            found = check_decode(can, _decode(options)) + check_type(can, call.constraint)
        else:
            found = check_select(can)
        found += check_place(
            can,
            role,
            "gen" if isinstance(call, Gen) else "select",
            is_held=not isinstance(call, Gen) or call.constraint is not None,
            has_text=has_text,
            ahead=options.get("num_api_spec_tokens") or self.policy.speculate,
        )
        refused = refusal_of(found, emulates=self.policy.emulate == "validate-retry")
        if refused is None:
            return
        loc = caller_loc()
        place = "" if loc is None else f"{loc.file}:{loc.line}: "
        raise NotSupportedError(f"{place}{refused}")

    def shutdown(self) -> None:
        """Cancel what runs and let go of the connections."""
        super().shutdown()
        if self._remote is not None:
            self._remote.close()
            self._remote = None


def _decode(options: Mapping[str, Any]) -> Any:
    """Return the decode that options ask for, but for its type."""
    from sglc.runtime.core.sampling import SamplingParams
    from sglc.runtime.core.script import Decode, TokenReport

    report = None
    if options["return_logprob"]:
        start, top = options["logprob_start_len"], options["top_logprobs_num"]
        report = TokenReport(-1 if start is None else start, top or 0)
    return Decode(
        options["max_tokens"],
        SamplingParams(
            temperature=options["temperature"],
            top_p=options["top_p"],
            top_k=options["top_k"],
            min_p=options["min_p"],
            frequency_penalty=options["frequency_penalty"],
            presence_penalty=options["presence_penalty"],
            repetition_penalty=options["repetition_penalty"],
            min_new_tokens=options["min_tokens"],
        ),
        stop=options["stop"],
        stop_ids=frozenset(options["stop_token_ids"]),
        num_logprobs=0 if options["return_logprob"] else None,
        report=report,
        ignore_eos=options["ignore_eos"],
        heal=b"?" if options["healing"] else b"",
    )
