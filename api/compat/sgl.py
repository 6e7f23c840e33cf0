"""Every public name of SGLang's frontend.

from sglc.compat import sgl
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sglc.backends.backend import set_default_backend
from sglc.compat.backends import Engine, Runtime, RuntimeEndpoint, flush_cache, get_server_info
from sglc.compat.choices import (
    greedy_token_selection,
    token_length_normalized,
    unconditional_likelihood_normalized,
)
from sglc.compat.programs import function
from sglc.compat.settings import global_config
from sglc.compat.words import (
    assistant,
    gen,
    gen_int,
    gen_string,
    image,
    select,
    system,
    user,
    video,
)
from sglc.program.primitives import (
    assistant_begin,
    assistant_end,
    system_begin,
    system_end,
    user_begin,
    user_end,
)

if TYPE_CHECKING:
    Anthropic: Any
    LiteLLM: Any
    OpenAI: Any
    VertexAI: Any

__version__ = "0.4.1"
"""Of the names: SGLang's release whose frontend they are."""

_PROVIDERS: Final = ("Anthropic", "LiteLLM", "OpenAI", "VertexAI")

__all__ = [
    "Anthropic",
    "Engine",
    "LiteLLM",
    "OpenAI",
    "Runtime",
    "RuntimeEndpoint",
    "VertexAI",
    "assistant",
    "assistant_begin",
    "assistant_end",
    "flush_cache",
    "function",
    "gen",
    "gen_int",
    "gen_string",
    "get_server_info",
    "global_config",
    "greedy_token_selection",
    "image",
    "select",
    "set_default_backend",
    "system",
    "system_begin",
    "system_end",
    "token_length_normalized",
    "unconditional_likelihood_normalized",
    "user",
    "user_begin",
    "user_end",
    "video",
]


def __getattr__(name: str) -> Any:
    """Import a provider when it is asked for."""
    if name not in _PROVIDERS:
        raise AttributeError(f"module 'sglc.compat.sgl' has no attribute {name!r}")
    from sglc.compat import providers

    return getattr(providers, name)
