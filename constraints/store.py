"""Automata of types on disk, so that what took long is built once."""

from __future__ import annotations

import unicodedata
import zlib
from array import array
from pathlib import Path

from sglc.constraints.artifacts import ArtifactFolder, code_digest
from sglc.constraints.automaton import Automaton
from sglc.constraints.packed import PackedRows
from sglc.constraints.type_data import to_data
from sglc.constraints.types import Type

_KIND = "automata"
_PACKAGE = Path(__file__).parent


class AutomatonStore:
    """Automata by what they are made of: the type, Unicode's tables, and the code that builds."""

    def __init__(self, folder: ArtifactFolder) -> None:
        self._folder = folder

    def load(self, t: Type) -> Automaton | None:
        """Return the automaton of a type; None if it is not there."""
        found = self._folder.read(_KIND, _key(t))
        if found is None:
            return None
        data, arrays = found
        try:
            if data["crc"] != _crc(arrays["bytes"], arrays["ints"]):
                return None
            num_bytes, num_ints = bytes(arrays["bytes"]), array("i", bytes(arrays["ints"]))
            classes, patterns = num_bytes[:256], num_bytes[256:]
            sizes = data["sizes"]
        except KeyError:
            return None
        parts = []
        at = 0
        for size in sizes:
            parts.append(num_ints[at : at + size])
            at += size
        pattern_of, way_of, ways, accepting, distances = parts
        rows = PackedRows(data["num_classes"], patterns, pattern_of, way_of, ways)
        return Automaton.from_packed(
            classes, rows, frozenset(accepting), digest=data["digest"], distances=distances
        )

    def save(self, t: Type, automaton: Automaton) -> int:
        """Write the automaton of a type; return the size of the file, 0 if there is none."""
        rows = automaton.packed
        accepting = array("i", sorted(automaton.accepting))
        parts = (rows.pattern_of, rows.way_of, rows.ways, accepting, automaton.distances)
        ints = b"".join(part.tobytes() for part in parts)
        texts = automaton.classes + rows.patterns
        data = {
            "digest": automaton.digest,
            "num_classes": rows.num_classes,
            "sizes": [len(part) for part in parts],
            "crc": _crc(texts, ints),
        }
        return self._folder.write(_KIND, _key(t), data, {"bytes": texts, "ints": ints})


def _key(t: Type) -> list[object]:
    """What decides the automaton of a type."""
    return [unicodedata.unidata_version, code_digest(_PACKAGE), to_data(t)]


def _crc(*parts: bytes | memoryview) -> int:
    check = 0
    for part in parts:
        check = zlib.crc32(part, check)
    return check
