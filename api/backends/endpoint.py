"""``RuntimeEndpoint``: a server that speaks SGLang's dialect, ours or SGLang's."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from sglc.backends.remote import ServerBackend

if TYPE_CHECKING:
    from sglc.program.state import ProgramState
    from sglc.runtime.remote.connection import Connection
    from sglc.runtime.remote.open import Remote
    from sglc.runtime.remote.policy import Policy


class RuntimeEndpoint(ServerBackend):
    """Runs programs here, and their model calls on a server; each is asked by its whole text.

        sglc.set_default_backend(sglc.RuntimeEndpoint("http://localhost:30000"))

    ``verify`` is a file of certificates that the server's is checked by. The template of messages
    is that of the server's model by SGLang's rules, or the one named ``chat_template_name``;
    ``chat_template`` may be set. ``options`` are those of ``ServerBackend``: how often and how long
    the server is asked.

    Raises:
        RemoteError: the server is not there, or refuses to say what it is.
        KeyError: there is no such template.
        ModuleNotFoundError: the packages that ask servers are not there.
    """

    def __init__(
        self,
        base_url: str,
        api_key: str | None = None,
        verify: str | None = None,
        chat_template_name: str | None = None,
        **options: Any,
    ) -> None:
        from sglc.runtime.tokenizer.frontend_templates import (
            get_chat_template,
            get_chat_template_by_model_path,
        )

        if not isinstance(base_url, str):
            raise TypeError(f"base_url must be text such as http://host:30000, not {base_url!r}")
        named = None if chat_template_name is None else get_chat_template(chat_template_name)
        self.base_url = base_url

        def open_server(policy: Policy) -> Remote:
            from sglc.runtime.remote.open import open_remote

            policy = replace(policy, ca_file=verify)
            return open_remote(
                "native", url=base_url, api_key=api_key, policy=policy, template=None
            )

        super().__init__(open_server, name=base_url, **options)
        self.seam = "canonical"
        self.chat_template = named or get_chat_template_by_model_path(self.model)

    def get_model_name(self) -> str:
        """Return what the server has loaded its model by."""
        return self.model

    def flush_cache(self) -> bool:
        """Ask the server to empty its cache, which it does unless something runs.

        Raises:
            RemoteError: it is not there, or refuses.
        """
        self._server.get("/flush_cache")
        return True

    def get_server_info(self) -> dict[str, Any]:
        """Return what the server says of itself; nothing where it has no such path.

        Raises:
            RemoteError: it is not there, or refuses.
        """
        found: dict[str, Any] | None = self._server.first_of("/get_server_info", "/server_info")
        return found or {}

    def cache_prefix(self, prefix_str: str) -> None:
        """Have the server compute a text that prompts will begin with.

        Raises:
            RemoteError: it is not there, or refuses.
        """
        self._server.post("/generate", {"text": prefix_str, "sampling_params": _NOTHING})

    def commit_lazy_operations(self, s: ProgramState) -> None:
        """Have the server compute the text of a state, once all of it is there.

        Raises:
            RunFailed: a part of it will never be there.
            RemoteError: the server is not there, or refuses.
        """
        self.cache_prefix(s.text())

    def post(self, path: str, body: Mapping[str, Any]) -> Any:
        """Return what the server answers to a request of its own dialect.

        Raises:
            RemoteError: it is not there, or refuses.
        """
        return self._server.post(path, body)

    async def events(self, path: str, body: Mapping[str, Any]) -> AsyncIterator[Any]:
        """Yield the events of a streamed answer.

        Raises:
            RemoteError: as ``post``; or it breaks off.
        """
        async for event in self._server.events(path, body):
            yield event

    @property
    def _server(self) -> Connection:
        assert self._remote is not None
        return self._remote.server


_NOTHING = {"max_new_tokens": 0}
