"""``OpenAI``: models of OpenAI, of Azure, and of any server with an address of their kind."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

from sglc.backends.remote import ServerBackend

if TYPE_CHECKING:
    from sglc.runtime.remote.open import Remote
    from sglc.runtime.remote.policy import Policy
    from sglc.runtime.tokenizer.frontend_template import FrontendTemplate

_COMPLETION_MODELS: Final = ("gpt-3.5-turbo-instruct", "davinci-002", "babbage-002")


class OpenAI(ServerBackend):
    """A model behind OpenAI's API.

        sglc.set_default_backend(sglc.OpenAI("gpt-4o-mini"))
        sglc.OpenAI("llama", base_url="http://localhost:30000/v1")   # ours, vLLM, OpenRouter, …
        sglc.OpenAI("gpt-4o", is_azure=True, azure_endpoint="https://me.openai.azure.com",
                    azure_deployment="my-gpt", api_version="2024-10-21")

    ``is_chat_model`` None: all models chat but for the few that OpenAI has for completions. Roles
    of programs that complete are written by ``chat_template``, or one that goes by the model's
    name; those of programs that chat are shown so by ``text()``. ``flavor`` says what kind of
    server ``base_url`` is, where it is not to be asked: ``openai``, ``reasoning``, ``compatible``,
    ``sglc``, ``sglang`` or ``vllm``. Keys are those of ``OPENAI_API_KEY``, or
    ``AZURE_OPENAI_API_KEY``, unless given. Further options are those of every server
    (``ServerBackend``).

    Raises:
        ValueError: there is no key, or no address.
    """

    def __init__(
        self,
        model_name: str | None = None,
        is_chat_model: bool | None = None,
        chat_template: FrontendTemplate | None = None,
        is_azure: bool = False,
        *,
        base_url: str | None = None,
        api_key: str | None = None,
        organization: str | None = None,
        flavor: str | None = None,
        azure_endpoint: str | None = None,
        azure_deployment: str | None = None,
        api_version: str | None = None,
        **limits: Any,
    ) -> None:
        if is_azure:
            super().__init__(
                _azure(
                    model_name, azure_endpoint or base_url, azure_deployment, api_version, api_key
                ),
                name=f"Azure {azure_deployment or model_name}",
                **limits,
            )
            self.chat_template = chat_template
            return
        from sglc.runtime.config import first_set

        url = base_url or first_set("OPENAI_BASE_URL")
        key = api_key or first_set("OPENAI_API_KEY")
        if url is None and key is None:
            raise ValueError("there is no key: give api_key, or set OPENAI_API_KEY")
        if url is None and model_name is None:
            raise ValueError("name the model, such as OpenAI('gpt-4o-mini')")
        if is_chat_model is None:
            is_chat_model = model_name not in _COMPLETION_MODELS
        if not is_chat_model and flavor is not None:
            raise ValueError("flavor goes with chat models")
        headers = {} if organization is None else {"OpenAI-Organization": organization}

        def open_server(policy: Policy) -> Remote:
            if not is_chat_model:
                return _completions(model_name, url, key, chat_template, headers, policy)
            from sglc.runtime.remote.chat.open import open_openai

            return open_openai(
                model_name, url=url, api_key=key, flavor=flavor, headers=headers, policy=policy
            )

        super().__init__(open_server, name=model_name or str(url), **limits)
        if is_chat_model:
            self.chat_template = chat_template


def _azure(
    model: str | None,
    endpoint: str | None,
    deployment: str | None,
    api_version: str | None,
    api_key: str | None,
) -> Callable[[Policy], Remote]:
    """Return what opens a deployment at Azure.

    Raises:
        ValueError: something is neither given nor set.
    """
    from sglc.runtime.config import first_set

    where = endpoint or first_set("AZURE_OPENAI_ENDPOINT")
    version = api_version or first_set("OPENAI_API_VERSION")
    key = api_key or first_set("AZURE_OPENAI_API_KEY")
    name = deployment or model
    if where is None:
        raise ValueError("there is no address: give azure_endpoint, or set AZURE_OPENAI_ENDPOINT")
    if version is None:
        raise ValueError("there is no version: give api_version, or set OPENAI_API_VERSION")
    if key is None:
        raise ValueError("there is no key: give api_key, or set AZURE_OPENAI_API_KEY")
    if name is None:
        raise ValueError("there is no deployment: give azure_deployment, or the model's name")

    def open_server(policy: Policy) -> Remote:
        from sglc.runtime.remote.chat.open import open_azure

        return open_azure(
            name, endpoint=where, api_version=version, api_key=key, model=model, policy=policy
        )

    return open_server


def _completions(
    model: str | None,
    url: str | None,
    api_key: str | None,
    template: FrontendTemplate | None,
    headers: Mapping[str, str],
    policy: Policy,
) -> Remote:
    from sglc.runtime.remote.open import open_remote
    from sglc.runtime.tokenizer.frontend_templates import get_chat_template_by_model_path

    written = template or get_chat_template_by_model_path(model or "")
    return open_remote(
        "completions", url=url, model=model, api_key=api_key, policy=policy,
        template=written.as_text(), headers=headers,
    )  # fmt: skip
