"""A model behind another server: a host that asks it over HTTP."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from sglc.compiler.plan.plan import Plan
from sglc.runtime.executor.executor import Executor
from sglc.runtime.executor.limits import Limits
from sglc.runtime.executor.recorder import Recorder
from sglc.runtime.executor.tools import ToolRegistry
from sglc.runtime.host import Host
from sglc.runtime.remote.chat.open import open_anthropic, open_gemini, open_openai
from sglc.runtime.remote.check_plan import Unserved, check_plan
from sglc.runtime.remote.open import Kind, Remote, open_remote
from sglc.runtime.remote.policy import Policy

Dialect = Kind | Literal["chat", "anthropic", "gemini"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerOptions:
    """Which server, and how it is asked; see ``open_remote`` and ``remote/chat/open.py``."""

    url: str
    kind: Dialect = "native"
    model: str | None = None
    api_key: str | None = None
    policy: Policy = Policy()  # noqa: RUF009  # frozen
    search_path: tuple[str, ...] = ()
    timeout_s: float | None = None


class ServerHost(Host):
    """A host whose model is behind a server; ``close`` it at the end."""

    def __init__(self, executor: Executor, remote: Remote) -> None:
        super().__init__(executor, remote.encoder, 4 * remote.backend.policy.max_in_flight)
        self.remote = remote

    def unserved(self, plan: Plan) -> list[Unserved]:
        """Return what of a plan the server cannot do."""
        policy = self.remote.backend.policy
        emulates = policy.emulate == "validate-retry"
        return check_plan(self.remote.capabilities, plan, emulates=emulates)

    def close(self) -> None:
        """Cancel what runs and let go of the connections."""
        self.executor.close()
        self.remote.backend.close()


def load_remote(options: ServerOptions, recorder: Recorder | None = None) -> ServerHost:
    """Return a host of a server's model.

    Raises:
        RemoteError: the server is not there, or refuses to say what it is.
        ValueError: the address or the model is missing.
    """
    remote = _opened(options)
    executor = Executor(
        remote.backend,
        remote.encoder,
        tools=ToolRegistry(search_path=options.search_path),
        limits=Limits(wall_time_s=options.timeout_s),
        recorder=recorder,
    )
    return ServerHost(executor, remote)


def _opened(options: ServerOptions) -> Remote:
    url, key, policy = options.url, options.api_key, options.policy
    if options.kind == "chat":
        return open_openai(options.model, url=url, api_key=key, policy=policy)
    if options.kind == "anthropic" or options.kind == "gemini":  # for mypy
        if options.model is None:
            raise ValueError(f"a server of kind {options.kind!r} names no models: name one")
        open_server = open_anthropic if options.kind == "anthropic" else open_gemini
        return open_server(options.model, url=url, api_key=key, policy=policy)
    return open_remote(options.kind, url=url, model=options.model, api_key=key, policy=policy)
