"""``Anthropic``: models of Anthropic."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from sglc.backends.remote import ServerBackend

if TYPE_CHECKING:
    from sglc.runtime.remote.open import Remote
    from sglc.runtime.remote.policy import Policy


class Anthropic(ServerBackend):
    """A model behind Anthropic's API.

        sglc.set_default_backend(sglc.Anthropic("claude-haiku-4-5"))

    ``prefill`` says whether the model goes on in a message that has been begun; None: by its name,
    since the newer ones do not. The key is that of ``ANTHROPIC_API_KEY`` unless it is given.
    Further options are those of every server (``ServerBackend``).

    Raises:
        ValueError: there is no key.
    """

    def __init__(
        self,
        model_name: str,
        *,
        base_url: str | None = None,
        api_key: str | None = None,
        prefill: bool | None = None,
        **limits: Any,
    ) -> None:
        from sglc.runtime.config import first_set

        key = api_key or first_set("ANTHROPIC_API_KEY")
        url = base_url or first_set("ANTHROPIC_BASE_URL")
        if key is None and url is None:
            raise ValueError("there is no key: give api_key, or set ANTHROPIC_API_KEY")

        def open_server(policy: Policy) -> Remote:
            from sglc.runtime.remote.chat.anthropic import capabilities_of
            from sglc.runtime.remote.chat.open import open_anthropic

            can = capabilities_of(model_name)
            return open_anthropic(
                model_name, url=url, api_key=key, policy=policy,
                capabilities=can if prefill is None else replace(can, prefill=prefill),
            )  # fmt: skip

        super().__init__(open_server, name=model_name, **limits)
