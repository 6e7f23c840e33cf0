"""Programs in Python that are compared with the reference: the files of ``tests/api/corpus``."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

from sglc.program.functions import Function

FOLDER = Path(__file__).parent.parent / "api" / "corpus"


@dataclass(frozen=True, eq=False)
class Case:
    """A program and what it is run with. ``raises``: what leaves it, if that is an exception."""

    function: Function
    args: tuple[Any, ...] = ()
    kwargs: dict[str, Any] = field(default_factory=dict)
    raises: type[BaseException] | None = None


def case(
    function: Function, *args: Any, raises: type[BaseException] | None = None, **kwargs: Any
) -> Case:
    """Return a case by its arguments."""
    return Case(function, args, kwargs, raises)


def load_corpus() -> dict[str, Case]:
    """Return the cases of all files, by file and name of the function."""
    found: dict[str, Case] = {}
    for path in sorted(FOLDER.glob("*.py")):
        name = f"corpus_{path.stem}"
        spec = spec_from_file_location(name, path)
        assert spec is not None
        assert spec.loader is not None
        module = sys.modules[name] = module_from_spec(spec)
        spec.loader.exec_module(module)
        for each in module.CASES:
            label = f"{path.stem}.{each.function.func.__name__}"
            while label in found:
                label += "'"
            found[label] = each
    return found
