"""``OpenAI`` as SGLang has it: its ``token_usage`` can be set back."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from sglc.backends.providers.openai import OpenAI as OwnOpenAI

if TYPE_CHECKING:
    from sglc.runtime.remote.usage import Usage


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


class OpenAI(OwnOpenAI):
    """A model behind OpenAI's API; see ``sglc.OpenAI``."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._usage = TokenUsage(lambda: super(OpenAI, self).token_usage)

    @property
    def token_usage(self) -> TokenUsage:  # type: ignore[override]  # it has all that the other has
        """What the server has billed since the last ``reset``."""
        return self._usage
