"""Graphs in files: what ``sglc ir`` prints, as text (``.sglir``) and as data (``.json``)."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from sglc.cli.errors import UsageError

if TYPE_CHECKING:
    from sglc.compiler.ir.graph import Module

SUFFIXES: Final = (".sglir", ".json")


def is_graph(path: str) -> bool:
    """Whether the name of a file says that it holds a graph."""
    return Path(path).suffix in SUFFIXES


def read_graph(path: str) -> Module | None:
    """Read a graph that keeps the rules of the verifier; else print what is wrong, return None.

    Raises:
        UsageError: the file is missing or not a text.
    """
    from sglc.compiler.ir.reader import IrSyntaxError, parse_module
    from sglc.compiler.ir.serial import from_data
    from sglc.compiler.ir.verify import violations

    try:
        text = Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} cannot be read: {error}") from None
    reasons: list[str] = []
    try:
        module = from_data(json.loads(text)) if path.endswith(".json") else parse_module(text)
        reasons = [f"{path}: {broken}" for broken in violations(module)]
    except IrSyntaxError as error:
        reasons = [f"{path}:{error}"]
    except json.JSONDecodeError as error:
        reasons = [f"{path}:{error.lineno}:{error.colno}: no JSON: {error.msg}"]
    except ValueError as error:
        reasons = [f"{path}: {error}"]
    if not reasons:
        return module
    for reason in reasons:
        print(reason, file=sys.stderr)
    print(f"{path} is no graph as `sglc ir` writes it", file=sys.stderr)
    return None
