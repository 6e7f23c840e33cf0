"""Modules of generated text: their functions have sources, as those of files have."""

from __future__ import annotations

import itertools
import linecache
from types import ModuleType

_numbers = itertools.count()


def module_of(text: str) -> ModuleType:
    """Return the module that a text is."""
    module = ModuleType(f"generated_{next(_numbers)}")
    name = f"<{module.__name__}>"
    linecache.cache[name] = (len(text), None, text.splitlines(keepends=True), name)
    exec(compile(text, name, "exec", dont_inherit=True), module.__dict__)
    return module
