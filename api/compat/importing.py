"""``import sglang`` finds the names of this package."""

from __future__ import annotations

import importlib
import sys
import types
from collections.abc import Mapping, Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from typing import Any, Final

from sglc.compiler.diagnostics.suggest import closest

_SGL: Final = "sglc.compat.sgl"
_REGEX: Final = {"build_regex_from_object": "sglc.types"}
_MODULES: Final[Mapping[str, str | Mapping[str, str]]] = {
    "sglang": _SGL,
    "sglang.api": _SGL,
    "sglang.global_config": {"global_config": _SGL},
    "sglang.lang": {},
    "sglang.lang.backend": {},
    "sglang.lang.backend.anthropic": {"Anthropic": _SGL},
    "sglang.lang.backend.litellm": {"LiteLLM": _SGL},
    "sglang.lang.backend.openai": {"OpenAI": _SGL},
    "sglang.lang.backend.runtime_endpoint": {"RuntimeEndpoint": _SGL},
    "sglang.lang.backend.vertexai": {"VertexAI": _SGL},
    "sglang.lang.chat_template": "sglc.compat.chat_template",
    "sglang.lang.choices": "sglc.compat.choices",
    "sglang.lang.interpreter": {
        "ProgramState": "sglc.program.state",
        "ProgramStateGroup": "sglc.program.forks:ForkGroup",
    },
    "sglang.lang.ir": {
        "SglExpr": "sglc.program.expressions:Expr",
        "SglFunction": "sglc.compat.programs",
    },
    "sglang.srt": {},
    "sglang.srt.constrained": _REGEX,
    "sglang.srt.constrained.outlines_backend": _REGEX,
    "sglang.srt.server": {"Engine": _SGL, "Runtime": _SGL},
    "sglang.version": {"__version__": _SGL},
}
"""Modules of SGLang: the module here that has all of its names, or where each of them is."""

_INSTEAD: Final[Mapping[str, str]] = {
    "sglang.launch_server": "python -m sglc.launch_server",
    "sglang.bench": "sglc bench",
    "sglang.test": "the script's own --backend, or python -m sglc.compat --backend",
    "sglang.lang": "the names of sglang itself",
    "sglang.srt": "python -m sglc.launch_server, or sglc.Engine",
    "sglang": "the names of sglang itself; see sglc.compat.sgl",
}


class SglangFinder(MetaPathFinder):
    """Finds ``sglang`` and the modules of it that a script may import.

    ``aside`` are the modules of SGLang itself that had been imported.
    """

    def __init__(self, aside: Mapping[str, types.ModuleType]) -> None:
        self.aside = aside

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: types.ModuleType | None = None
    ) -> ModuleSpec | None:
        """Return how a module of SGLang is made; None for any other.

        Raises:
            ModuleNotFoundError: there is no such module here; says what to use.
        """
        if fullname.partition(".")[0] != "sglang":
            return None
        if fullname not in _MODULES:
            way = next(use for start, use in _INSTEAD.items() if fullname.startswith(start))
            raise ModuleNotFoundError(
                f"sglc.compat has no module {fullname}; use {way}", name=fullname
            )
        return ModuleSpec(fullname, _Loader(), origin=_origin(fullname), is_package=True)


def _origin(fullname: str) -> str:
    made = _MODULES[fullname]
    return made if isinstance(made, str) else "sglc.compat"


class _Loader(Loader):
    def create_module(self, spec: ModuleSpec) -> types.ModuleType:
        return _Names(spec.name)

    def exec_module(self, module: types.ModuleType) -> None:
        """Everything is looked up when it is asked for."""


class _Names(types.ModuleType):
    """A module of SGLang: its names are those of modules here."""

    def __getattr__(self, name: str) -> Any:
        made = _MODULES[self.__name__]
        if name.startswith("__") and name not in ("__all__", "__version__"):
            raise AttributeError(name)
        if isinstance(made, str):
            module = importlib.import_module(made)
            known = list(module.__all__ if hasattr(module, "__all__") else dir(module))
            if name in (*known, "__all__", "__version__") or hasattr(module, name):
                return getattr(module, name)
        elif name in made:
            home, _, other = made[name].partition(":")
            return getattr(importlib.import_module(home), other or name)
        else:
            known = list(made)
        if f"{self.__name__}.{name}" in _MODULES:
            raise AttributeError(name)  # a module, which is imported next
        near = closest(name, known)
        hint = f"did you mean {near!r}?" if near else f"it has {', '.join(known) or 'none'}"
        raise ImportError(f"sglc.compat has no name {name!r} for {self.__name__}; {hint}")

    def __dir__(self) -> list[str]:
        made = _MODULES[self.__name__]
        if not isinstance(made, str):
            return sorted(made)
        return dir(importlib.import_module(made))


def install() -> SglangFinder:
    """Let ``import sglang`` find this package's names, even where SGLang is installed.

    What was imported of SGLang itself is set aside until ``uninstall``.
    """
    finder = SglangFinder({name: sys.modules.pop(name) for name in _imported()})
    sys.meta_path.insert(0, finder)
    return finder


def uninstall(finder: SglangFinder) -> None:
    """Let ``import sglang`` find SGLang again, if it is there."""
    sys.meta_path.remove(finder)
    for name in _imported():
        del sys.modules[name]
    sys.modules.update(finder.aside)


def _imported() -> list[str]:
    return [name for name in sys.modules if name.partition(".")[0] == "sglang"]
