"""sglc: prompt programs, compiled.

import sglc

@sglc.function
def qa(s, question):
    s += "Q: " + question + "\\nA:" + sglc.gen("answer", stop="\\n")

sglc.set_default_backend(sglc.Engine())
print(qa.run(question="What is the capital of France?")["answer"])
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from sglc import compat as compat
    from sglc import constraints as constraints
    from sglc import types as types
    from sglc.backend import Backend as Backend
    from sglc.backend import set_default_backend as set_default_backend
    from sglc.endpoint import RuntimeEndpoint as RuntimeEndpoint
    from sglc.engine import Engine as Engine
    from sglc.errors import BatchInterrupted as BatchInterrupted
    from sglc.errors import NoBackendError as NoBackendError
    from sglc.errors import NotSupportedError as NotSupportedError
    from sglc.errors import ProgramError as ProgramError
    from sglc.errors import ProgramWarning as ProgramWarning
    from sglc.errors import RunFailed as RunFailed
    from sglc.errors import SglcError as SglcError
    from sglc.errors import StateError as StateError
    from sglc.functions import Function as Function
    from sglc.functions import function as function
    from sglc.host_tools import tool as tool
    from sglc.loading import load as load
    from sglc.mocking import mock as mock
    from sglc.primitives import assistant as assistant
    from sglc.primitives import assistant_begin as assistant_begin
    from sglc.primitives import assistant_end as assistant_end
    from sglc.primitives import gen as gen
    from sglc.primitives import gen_int as gen_int
    from sglc.primitives import gen_string as gen_string
    from sglc.primitives import image as image
    from sglc.primitives import select as select
    from sglc.primitives import system as system
    from sglc.primitives import system_begin as system_begin
    from sglc.primitives import system_end as system_end
    from sglc.primitives import user as user
    from sglc.primitives import user_begin as user_begin
    from sglc.primitives import user_end as user_end
    from sglc.primitives import video as video
    from sglc.providers.anthropic import Anthropic as Anthropic
    from sglc.providers.gemini import Gemini as Gemini
    from sglc.providers.gemini import VertexAI as VertexAI
    from sglc.providers.litellm import LiteLLM as LiteLLM
    from sglc.providers.openai import OpenAI as OpenAI
    from sglc.recording import record as record
    from sglc.recording import replay as replay
    from sglc.server_process import Runtime as Runtime
    from sglc.state import ProgramState as ProgramState

__version__ = "0.1.0"

_HOMES: Final = {
    "Backend": "sglc.backend",
    "set_default_backend": "sglc.backend",
    "RuntimeEndpoint": "sglc.endpoint",
    "Engine": "sglc.engine",
    "BatchInterrupted": "sglc.errors",
    "NoBackendError": "sglc.errors",
    "NotSupportedError": "sglc.errors",
    "ProgramError": "sglc.errors",
    "ProgramWarning": "sglc.errors",
    "RunFailed": "sglc.errors",
    "SglcError": "sglc.errors",
    "StateError": "sglc.errors",
    "Function": "sglc.functions",
    "function": "sglc.functions",
    "tool": "sglc.host_tools",
    "load": "sglc.loading",
    "mock": "sglc.mocking",
    "Anthropic": "sglc.providers.anthropic",
    "Gemini": "sglc.providers.gemini",
    "VertexAI": "sglc.providers.gemini",
    "LiteLLM": "sglc.providers.litellm",
    "OpenAI": "sglc.providers.openai",
    "record": "sglc.recording",
    "replay": "sglc.recording",
    "Runtime": "sglc.server_process",
    "ProgramState": "sglc.state",
    **dict.fromkeys(
        (
            "assistant", "assistant_begin", "assistant_end", "gen", "gen_int", "gen_string",
            "image", "select", "system", "system_begin", "system_end", "user", "user_begin",
            "user_end", "video",
        ),
        "sglc.primitives",
    ),
}  # fmt: skip


_MODULES: Final = ("compat", "constraints", "types")


def __getattr__(name: str) -> Any:
    """Import what is asked for: a command that needs none of it starts faster."""
    import importlib

    if name in _MODULES:
        return importlib.import_module(f"sglc.{name}")
    if name not in _HOMES:
        raise AttributeError(f"module 'sglc' has no attribute {name!r}")
    value = getattr(importlib.import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES, *_MODULES})
