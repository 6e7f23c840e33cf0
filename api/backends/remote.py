"""Backends whose model is on a server: what the classes of providers share."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Final, Literal

from sglc.backends.backend import Backend, Made
from sglc.compiler.diagnostics.suggest import meant
from sglc.program.refusals import refuse_unserved

if TYPE_CHECKING:
    from sglc.program.expressions import Gen, Select
    from sglc.runtime.remote.backend import RemoteBackend
    from sglc.runtime.remote.capabilities import Capabilities
    from sglc.runtime.remote.open import Remote
    from sglc.runtime.remote.policy import Policy
    from sglc.runtime.remote.usage import Usage
    from sglc.runtime.tokenizer.frontend_template import FrontendTemplate
    from sglc.runtime.tokenizer.prompt import PromptEncoder

Emulate = Literal["validate-retry"]
_OPTIONS: Final = (
    "emulate", "timeout_s", "max_retries", "requests_per_minute", "tokens_per_minute",
    "max_in_flight",
)  # fmt: skip


class ServerBackend(Backend):
    """Runs programs here, and their model calls on a server.

    ``open_server`` opens it, in the thread of the executor. The options are those of ``Policy``:
    ``emulate="validate-retry"`` has what the server cannot be held to written freely, checked and
    written again; ``timeout_s`` is for a whole answer, and for its first text, which has 120 s
    unless it is given; ``max_retries`` is how often a request is sent again that failed for a
    while; ``requests_per_minute``, ``tokens_per_minute`` and ``max_in_flight`` are limits that
    requests wait for.

    Raises:
        TypeError: there is no such option; the message names what may have been meant.
        ValueError: a limit is out of its range; the message names it.
        RemoteError: the server is asked what it is, and is not there.
        ModuleNotFoundError: the packages that ask servers are not there.
    """

    extra: ClassVar[str] = "clients"

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
        **unknown: Any,
    ) -> None:
        from sglc.runtime.remote.policy import Policy

        given: dict[str, Any] = {
            "emulate": emulate,
            "total_s": timeout_s,
            "first_token_s": timeout_s,
            "max_retries": max_retries,
            "requests_per_minute": requests_per_minute,
            "tokens_per_minute": tokens_per_minute,
            "max_in_flight": max_in_flight,
        }
        for option in unknown:
            hint = meant(option, _OPTIONS, f"every server has {', '.join(_OPTIONS)}")
            raise TypeError(f"{type(self).__name__} has no option `{option}`: {hint}")
        self.policy = Policy(**{k: v for k, v in given.items() if v is not None})
        self._remote: RemoteBackend | None = None

        def make(wake: threading.Event) -> Made:
            from sglc.runtime.executor.executor import Executor

            opened = open_server(self.policy)
            self._remote, self.capabilities = opened.backend, opened.capabilities
            connected.append(opened.backend)
            self.model = opened.model
            pays_off = opened.capabilities.prompts == "text" and not opened.capabilities.bills
            self.ahead = "cached" if pays_off else "nothing"
            return Executor(opened.backend, opened.encoder, wake=wake), opened.encoder

        connected: list[RemoteBackend] = []
        super().__init__(
            make,
            name=name,
            window=2 * self.policy.max_in_flight,
            let_go=lambda: connected.pop().close() if connected else None,
        )

    encoder: PromptEncoder
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

    def _use(self, template: FrontendTemplate | None) -> None:
        from sglc.runtime.remote.templates import MESSAGES, messages, shown_as

        if self.capabilities.prompts == "text":
            self.encoder.template = None if template is None else template.as_text()
        elif template is None:
            self.encoder.template, self.encoder.shown = MESSAGES, None
        else:
            self.encoder.template = messages(template.default_system_prompt)
            self.encoder.shown = shown_as(template)

    def check(
        self, call: Gen | Select, options: Mapping[str, Any], role: str | None, *, has_text: bool
    ) -> None:
        """Refuse a call that the server cannot do, before anything is sent."""
        refuse_unserved(self.capabilities, self.policy, call, options, role, has_text=has_text)
