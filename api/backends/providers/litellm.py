"""``LiteLLM``: models of any provider that LiteLLM knows, through its library."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sglc.backends.remote import ServerBackend

if TYPE_CHECKING:
    from sglc.runtime.remote.open import Remote
    from sglc.runtime.remote.policy import Policy


class LiteLLM(ServerBackend):
    """A model that LiteLLM asks.

        sglc.set_default_backend(sglc.LiteLLM("groq/llama-3.1-8b-instant"))

    The library finds keys as it always does; ``api_key`` and ``api_base`` go before that. What a
    model can do is what the library says. Further options are those of every server
    (``ServerBackend``).

    Raises:
        ModuleNotFoundError: the library is not there: ``pip install 'sglc[litellm]'``.
    """

    def __init__(
        self,
        model_name: str,
        *,
        api_key: str | None = None,
        api_base: str | None = None,
        **limits: Any,
    ) -> None:
        given = {"api_key": api_key, "api_base": api_base}
        options = {name: value for name, value in given.items() if value is not None}

        def open_server(policy: Policy) -> Remote:
            from sglc.runtime.remote.chat.open import open_litellm

            return open_litellm(model_name, policy=policy, **options)

        super().__init__(open_server, name=model_name, **limits)
