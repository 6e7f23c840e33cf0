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
    from sglc.backends.backend import Backend as Backend
    from sglc.backends.backend import set_default_backend as set_default_backend
    from sglc.backends.endpoint import RuntimeEndpoint as RuntimeEndpoint
    from sglc.backends.engine import Engine as Engine
    from sglc.backends.mocking import mock as mock
    from sglc.backends.providers.anthropic import Anthropic as Anthropic
    from sglc.backends.providers.gemini import Gemini as Gemini
    from sglc.backends.providers.gemini import VertexAI as VertexAI
    from sglc.backends.providers.litellm import LiteLLM as LiteLLM
    from sglc.backends.providers.openai import OpenAI as OpenAI
    from sglc.backends.server_process import Runtime as Runtime
    from sglc.constraints.python import ConversionError as ConversionError
    from sglc.errors import BatchInterrupted as BatchInterrupted
    from sglc.errors import NoBackendError as NoBackendError
    from sglc.errors import NotLowered as NotLowered
    from sglc.errors import NotSupportedError as NotSupportedError
    from sglc.errors import ProgramError as ProgramError
    from sglc.errors import ProgramWarning as ProgramWarning
    from sglc.errors import RunFailed as RunFailed
    from sglc.errors import SglcError as SglcError
    from sglc.errors import StateError as StateError
    from sglc.files.loading import load as load
    from sglc.program.functions import Function as Function
    from sglc.program.functions import function as function
    from sglc.program.host_tools import tool as tool
    from sglc.program.primitives import assistant as assistant
    from sglc.program.primitives import assistant_begin as assistant_begin
    from sglc.program.primitives import assistant_end as assistant_end
    from sglc.program.primitives import gen as gen
    from sglc.program.primitives import gen_int as gen_int
    from sglc.program.primitives import gen_string as gen_string
    from sglc.program.primitives import image as image
    from sglc.program.primitives import select as select
    from sglc.program.primitives import system as system
    from sglc.program.primitives import system_begin as system_begin
    from sglc.program.primitives import system_end as system_end
    from sglc.program.primitives import user as user
    from sglc.program.primitives import user_begin as user_begin
    from sglc.program.primitives import user_end as user_end
    from sglc.program.primitives import video as video
    from sglc.program.state import ProgramState as ProgramState
    from sglc.recording import record as record
    from sglc.recording import replay as replay
    from sglc.runtime.models.errors import ModelError as ModelError
    from sglc.runtime.remote.errors import RemoteError as RemoteError

__version__ = "0.1.0"

_HOMES: Final = {
    "Backend": "sglc.backends.backend",
    "set_default_backend": "sglc.backends.backend",
    "RuntimeEndpoint": "sglc.backends.endpoint",
    "Engine": "sglc.backends.engine",
    "ConversionError": "sglc.constraints.python",
    "ModelError": "sglc.runtime.models.errors",
    "RemoteError": "sglc.runtime.remote.errors",
    "BatchInterrupted": "sglc.errors",
    "NoBackendError": "sglc.errors",
    "NotLowered": "sglc.errors",
    "NotSupportedError": "sglc.errors",
    "ProgramError": "sglc.errors",
    "ProgramWarning": "sglc.errors",
    "RunFailed": "sglc.errors",
    "SglcError": "sglc.errors",
    "StateError": "sglc.errors",
    "Function": "sglc.program.functions",
    "function": "sglc.program.functions",
    "tool": "sglc.program.host_tools",
    "load": "sglc.files.loading",
    "mock": "sglc.backends.mocking",
    "Anthropic": "sglc.backends.providers.anthropic",
    "Gemini": "sglc.backends.providers.gemini",
    "VertexAI": "sglc.backends.providers.gemini",
    "LiteLLM": "sglc.backends.providers.litellm",
    "OpenAI": "sglc.backends.providers.openai",
    "record": "sglc.recording",
    "replay": "sglc.recording",
    "Runtime": "sglc.backends.server_process",
    "ProgramState": "sglc.program.state",
    **dict.fromkeys(
        (
            "assistant", "assistant_begin", "assistant_end", "gen", "gen_int", "gen_string",
            "image", "select", "system", "system_begin", "system_end", "user", "user_begin",
            "user_end", "video",
        ),
        "sglc.program.primitives",
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
