"""Automata over texts as automata over the texts that JSON strings have for them."""

from __future__ import annotations

import json
from collections.abc import Sequence

from sglc.constraints.automaton import Automaton
from sglc.constraints.minimize import canonical
from sglc.constraints.network import joint_classes
from sglc.constraints.rows import Row, compact

_BACKSLASH = 0x5C
MUST = (*range(0x20), 0x22, _BACKSLASH)  # the bytes that a JSON string cannot have as they are
_SPELLED = {byte: json.dumps(chr(byte))[2:-1].encode() for byte in MUST}  # behind the backslash
# Every byte that is escaped, or that escapes are made of, has a class of its own.
_ALONE = sorted({*MUST, *b"".join(_SPELLED.values())})
_ALONE_CLASSES = bytes(_ALONE.index(byte) + 1 if byte in _ALONE else 0 for byte in range(256))


def escaped(texts: Automaton) -> Automaton:
    """The members, escaped only where they must be and as ``json.dumps`` does it."""
    return _Writer(texts).automaton()


class _Writer:
    """What must be escaped is one byte each: a detour takes the place of its edge.

    Detours are shared by states that lead alike.
    """

    def __init__(self, texts: Automaton) -> None:
        self._texts = texts
        self._classes, first = joint_classes((texts.classes, _ALONE_CLASSES))
        self._columns = bytes(texts.classes[byte] for byte in first)
        self._must = [self._classes[byte] for byte in MUST]
        self._rows: list[Row] = []
        self._wide: dict[bytes, tuple[list[int], tuple[int, ...]]] = {}
        self._detours: dict[tuple[int, ...], int] = {}
        self._fresh: list[Row] = []  # the states of detours, numbered behind those of the texts

    def automaton(self) -> Automaton:
        for pattern, targets in self._texts.rows:
            ways = (0, *targets)
            slots, must = self._widened(pattern)
            row = [ways[slot] for slot in slots]
            if any(must):
                row[self._classes[_BACKSLASH]] = self._detour([ways[slot] for slot in must])
            self._rows.append(compact(row))
        rows = self._rows + self._fresh
        return Automaton(canonical(self._classes, rows, self._texts.accepting, self._texts.start))

    def _widened(self, pattern: bytes) -> tuple[list[int], tuple[int, ...]]:
        """The slots of a pattern by column, 0 for what must be escaped, and those it has there."""
        known = self._wide.get(pattern)
        if known is None:
            wide = list(self._columns.translate(pattern.ljust(256, b"\0")))
            must = tuple(wide[column] for column in self._must)
            for column in self._must:
                wide[column] = 0
            known = self._wide[pattern] = wide, must
        return known

    def _detour(self, targets: Sequence[int]) -> int:
        """The state behind a backslash, from which the escapes of ``MUST`` lead to ``targets``."""
        key = tuple(targets)
        if key not in self._detours:
            spelled = {_SPELLED[byte]: to for byte, to in zip(MUST, targets, strict=True) if to}
            self._detours[key] = self._trie(spelled)
        return self._detours[key]

    def _trie(self, spelled: dict[bytes, int]) -> int:
        """A state from which each text leads to its state."""
        row = [0] * len(self._columns)
        for byte in {text[0] for text in spelled}:
            rest = {text[1:]: to for text, to in spelled.items() if text[0] == byte}
            row[self._classes[byte]] = rest[b""] if b"" in rest else self._trie(rest)
        self._fresh.append(compact(row))
        return len(self._texts.rows) + len(self._fresh) - 1
