"""Python modules beside a program: imported from its folder, whatever else has their name.

A program's `tools/wiki.py` is `tools.wiki`, but so may be a module of the process that runs it, or
of another program. What lies in the program's folder always wins, and nothing that was loaded
before is changed.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType


class HostModules:
    """Imports modules from ``folders``, then from where Python finds them. Each is loaded once."""

    def __init__(self, folders: Sequence[Path]) -> None:
        self._folders = folders
        self._loaded: dict[str, ModuleType] = {}

    def load(self, name: str) -> ModuleType:
        """Import a module by its dotted name.

        Raises:
            Exception: whatever the module raises while it is loaded.
        """
        with self.present(name):
            return importlib.import_module(name)

    @contextmanager
    def present(self, name: str) -> Iterator[None]:
        """Let a name mean the module of these folders, as while it is imported and while its
        annotations are read."""
        folder = next((f for f in self._folders if _holds(f, name)), None)
        if folder is None:
            yield
            return
        with self._in_front(folder, name.partition(".")[0]):
            yield

    @contextmanager
    def _in_front(self, folder: Path, top: str) -> Iterator[None]:
        """Let ``top`` mean the package of this folder while it is imported."""
        others = _take(top)
        sys.modules.update({n: m for n, m in self._loaded.items() if _is_in(n, top)})
        is_plain = (folder / top).is_dir() and not (folder / top / "__init__.py").is_file()
        if is_plain and top not in sys.modules:
            # Without an __init__.py, Python would prefer a package of this name further down.
            package = ModuleType(top)
            package.__path__ = [str(folder / top)]
            package.__spec__ = ModuleSpec(top, None, is_package=True)
            sys.modules[top] = package
        sys.path.insert(0, str(folder))
        importlib.invalidate_caches()
        try:
            yield
        finally:
            sys.path.remove(str(folder))
            self._loaded |= {n: m for n, m in sys.modules.items() if _is_in(n, top)}
            if others:
                _take(top)
                sys.modules.update(others)


def _holds(folder: Path, name: str) -> bool:
    path = folder.joinpath(*name.split("."))
    return path.with_name(path.name + ".py").is_file() or (path / "__init__.py").is_file()


def _is_in(name: str, top: str) -> bool:
    return name == top or name.startswith(top + ".")


def _take(top: str) -> dict[str, ModuleType]:
    """Remove a package and all in it from the loaded modules and return them."""
    names = [name for name in sys.modules if _is_in(name, top)]
    return {name: sys.modules.pop(name) for name in names}
