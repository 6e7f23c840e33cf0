"""JSON Schemas of codecs: named definitions for what recurs, everything else in place."""

from __future__ import annotations

import json
from collections.abc import Callable

from sglc.constraints import types as t
from sglc.constraints.python.codec import Codec, Data, Definitions


class Written:
    """The definitions of one schema. Of two classes of one name, the second gets a number."""

    def __init__(self) -> None:
        self.definitions: Data = {}
        self._names: dict[int, str] = {}

    def refer(self, codec: Codec, name: str, body: Callable[[Definitions], Data]) -> Data:
        """Return what ``body`` writes, or a reference to it if the codec recurs."""
        if not recurs(codec):
            return body(self)
        known = self._names.get(id(codec))
        if known is None:
            known = name if name not in self.definitions else f"{name}_{len(self.definitions)}"
            self._names[id(codec)] = known
            self.definitions[known] = {}
            self.definitions[known] = body(self)
        return {"$ref": f"#/$defs/{known}"}

    def add(self, definitions: Data) -> None:
        """Take up definitions whose names begin with what ``fresh`` gave."""
        self.definitions |= definitions

    def fresh(self, name: str) -> str:
        """Return a beginning for names that nobody else has."""
        return f"{name}.{len(self.definitions)}." if self.definitions else ""


def schema_data(codec: Codec) -> Data:
    """Return the JSON Schema of the values of a codec."""
    written = Written()
    data = codec.schema(written)
    return data | ({"$defs": written.definitions} if written.definitions else {})


def schema_type(codec: Codec) -> t.Schema:
    """Return the constraint that is the JSON Schema of a codec."""
    return t.Schema(json.dumps(schema_data(codec), ensure_ascii=False, separators=(",", ":")))


def nests(codec: Codec) -> bool:
    """Whether values of a codec may nest without end."""
    from sglc.constraints.automaton import Automaton
    from sglc.constraints.language import language

    return not isinstance(language(codec.type()), Automaton)


def recurs(codec: Codec) -> bool:
    """Whether values of a codec may hold values of the same codec."""
    seen: set[int] = set()
    todo = list(codec.parts)
    while todo:
        each = todo.pop()
        if each is codec:
            return True
        if id(each) not in seen:
            seen.add(id(each))
            todo += each.parts
    return False
