"""Codecs of classes with named fields: dataclasses, TypedDicts and NamedTuples."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sglc.constraints import types as t
from sglc.constraints.python.codec import (
    Codec,
    ConversionError,
    Data,
    Definitions,
    expected,
    inner,
)
from sglc.constraints.python.written import recurs, schema_type


@dataclass(frozen=True, slots=True)
class FieldCodec:
    """One field: ``key`` in JSON, ``attribute`` of the object.

    ``is_written``: every value has it. ``default`` is a value, for records that lack the field.
    """

    key: str
    attribute: str
    codec: Codec
    is_written: bool = True
    default: Any = t.MISSING


@dataclass(eq=False, slots=True)
class RecordCodec(Codec):
    """A class with fields. ``fields`` is filled in after the codec is made: classes may recur.

    ``make`` gives an object from what its fields hold; ``python`` is the class of the objects.
    """

    name: str
    python: type[Any]
    make: Callable[[dict[str, Any]], Any]
    fields: tuple[FieldCodec, ...] = ()

    @property
    def parts(self) -> Iterable[Codec]:
        return [field.codec for field in self.fields]

    def type(self) -> t.Type:
        if recurs(self) or not all(field.is_written for field in self.fields):
            return schema_type(self)
        return t.Record(
            tuple(t.Field(field.key, field.codec.type(), field.default) for field in self.fields)
        )

    def schema(self, definitions: Definitions) -> Data:
        return definitions.refer(self, self.name, self._object)

    def _object(self, definitions: Definitions) -> Data:
        return {
            "type": "object",
            "properties": {f.key: f.codec.schema(definitions) for f in self.fields},
            "required": [field.key for field in self.fields if field.is_written],
            "additionalProperties": False,
        }

    def load(self, value: Any, path: str) -> Any:
        if not isinstance(value, Mapping):
            raise expected(path, f"a record ({self.name})", value)
        self._check_keys(value, path)
        held = {
            field.attribute: field.codec.load(value[field.key], inner(path, field.key))
            for field in self.fields
            if field.key in value
        }
        try:
            return self.make(held)
        except ConversionError:
            raise
        except (TypeError, ValueError) as error:
            raise ConversionError(path, f"{self.name} refuses it: {error}") from error

    def dump(self, value: Any, path: str) -> Any:
        if not isinstance(value, self.python) and not isinstance(value, Mapping):
            raise expected(path, f"a {self.name}", value)
        if isinstance(value, Mapping):
            self._check_keys(value, path)
            held = [(f, value[f.key]) for f in self.fields if f.key in value]
        else:
            held = [(f, getattr(value, f.attribute)) for f in self.fields]
        return {f.key: f.codec.dump(each, inner(path, f.key)) for f, each in held}

    def _check_keys(self, value: Mapping[str, Any], path: str) -> None:
        for field in self.fields:
            if field.key not in value and field.is_written and field.default is t.MISSING:
                raise ConversionError(inner(path, field.key), f"is missing in {self.name}")
        known = {field.key for field in self.fields}
        for key in value:
            if key not in known:
                has = ", ".join(sorted(known)) or "none"
                raise ConversionError(
                    inner(path, str(key)), f"{self.name} has no such field ({has})"
                )


def alias_of(field: dataclasses.Field[Any]) -> str:
    """Return what a field of a dataclass is called in JSON: ``field(metadata={"alias": ...})``."""
    return str(field.metadata.get("alias", field.name))
