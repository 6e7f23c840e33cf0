"""Verdicts of a compiled schema about values, through their texts."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

from sglc.constraints.machine import Machine
from sglc.constraints.schema import CompiledSchema, Invalid


def passes(compiled: CompiledSchema, value: Any) -> bool:
    """Whether ``check`` lets the value through."""
    try:
        compiled.check(value)
    except Invalid:
        return False
    return True


def is_valid(compiled: CompiledSchema, value: Any) -> bool:
    """Whether the canonical text is in the language and what is checked afterwards holds."""
    accepted = compiled.machine.accepts(compiled.canonical_text(value).encode())
    return accepted and (not compiled.needs_check or passes(compiled, value))


def groups(folder: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """The groups of a folder of the official suite, with the names of their files."""
    for path in sorted(folder.glob("*.json")):
        for group in json.loads(path.read_text(encoding="utf-8")):
            yield path.stem, group


def random_text(machine: Machine, rng: random.Random, max_bytes: int = 60) -> bytes:
    """A member of the language: a random walk that is completed after ``max_bytes`` bytes."""
    state, out = machine.start, bytearray()
    while not machine.is_accepting(state) or not (
        machine.is_complete(state) or rng.random() < 0.3 or len(out) > max_bytes
    ):
        if len(out) > max_bytes:
            out += machine.completion(state)
            break
        ways = [(byte, t) for byte in range(256) if (t := machine.step(state, byte))]
        byte, state = rng.choice(ways)
        out.append(byte)
    return bytes(out)


def read(text: bytes) -> tuple[Any, bool]:
    """The value of a text, and whether no number of it was rounded to another one."""
    is_exact = True

    def number(digits: str) -> float:
        nonlocal is_exact
        found = float(digits)
        is_exact = is_exact and Decimal(str(found)) == Decimal(digits)
        return found

    return json.loads(text, parse_float=number), is_exact
