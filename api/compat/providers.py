"""The providers of SGLang's names: prompts show messages by the template that it gives each."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from sglc.backends.providers.anthropic import Anthropic as OwnAnthropic
from sglc.backends.providers.gemini import VertexAI as OwnVertexAI
from sglc.backends.providers.litellm import LiteLLM as OwnLiteLLM
from sglc.backends.providers.openai import OpenAI as OwnOpenAI
from sglc.runtime.tokenizer.frontend_templates import (
    get_chat_template,
    get_chat_template_by_model_path,
)

if TYPE_CHECKING:
    from sglc.runtime.remote.usage import Usage
    from sglc.runtime.tokenizer.frontend_template import FrontendTemplate


class TokenUsage:
    """What a server has billed since the last ``reset``; all that ``Usage`` has is there too."""

    def __init__(self, read: Callable[[], Usage]) -> None:
        self._read = read
        self._before: Usage | None = None

    def reset(self) -> None:
        """Count from here on."""
        self._before = self._read()

    def __getattr__(self, name: str) -> Any:
        now = self._read()
        return getattr(now if self._before is None else now - self._before, name)

    def __repr__(self) -> str:
        counts = f"prompt_tokens={self.prompt_tokens}, completion_tokens={self.completion_tokens}"
        return f"TokenUsage({counts})"


def _here(options: dict[str, Any]) -> dict[str, Any]:
    """Return options of the providers' own clients by the names that they have here."""
    names = {"timeout": "timeout_s"}
    return {names.get(name, name): value for name, value in options.items()}


class OpenAI(OwnOpenAI):
    """A model behind OpenAI's API; see ``sglc.OpenAI``."""

    def __init__(
        self,
        model_name: str | None = None,
        is_chat_model: bool | None = None,
        chat_template: FrontendTemplate | None = None,
        is_azure: bool = False,
        **options: Any,
    ) -> None:
        template = chat_template or get_chat_template_by_model_path(model_name or "")
        super().__init__(model_name, is_chat_model, template, is_azure, **_here(options))
        self._usage = TokenUsage(lambda: super(OpenAI, self).token_usage)

    @property
    def token_usage(self) -> TokenUsage:  # type: ignore[override]  # it has all that the other has
        """What the server has billed since the last ``reset``."""
        return self._usage


class Anthropic(OwnAnthropic):
    """A model behind Anthropic's API; see ``sglc.Anthropic``."""

    def __init__(self, model_name: str, **options: Any) -> None:
        super().__init__(model_name, **_here(options))
        self.chat_template = get_chat_template("claude")


class VertexAI(OwnVertexAI):
    """A model of Google in a project of Vertex AI; see ``sglc.VertexAI``."""

    def __init__(self, model_name: str, **options: Any) -> None:
        super().__init__(model_name, **options)
        self.chat_template = get_chat_template("default")


class LiteLLM(OwnLiteLLM):
    """A model that LiteLLM asks; see ``sglc.LiteLLM``."""

    def __init__(
        self,
        model_name: str,
        chat_template: FrontendTemplate | None = None,
        api_key: str | None = None,
        base_url: str | None = None,
        **options: Any,
    ) -> None:
        super().__init__(model_name, api_key=api_key, api_base=base_url, **_here(options))
        self.chat_template = chat_template or get_chat_template_by_model_path(model_name)
