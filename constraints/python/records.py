"""Codecs of classes with named fields: dataclasses, TypedDicts and NamedTuples."""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sglc.constraints import types as t
from sglc.constraints.python.codec import (
    Codec,
    ConversionError,
    Data,
    Definitions,
    PythonTypeError,
    expected,
    inner,
)
from sglc.constraints.python.hints import is_typed_dict
from sglc.constraints.python.written import recurs, schema_type


@dataclass(frozen=True, slots=True)
class FieldCodec:
    """One field: ``key`` in JSON, ``attribute`` of the object.

    ``is_written``: every value has it. ``default`` is a value, for records that lack the field;
    ``is_filled``: the class has a default for it, which need not be a value.
    """

    key: str
    attribute: str
    codec: Codec
    is_written: bool = True
    default: Any = t.MISSING
    is_filled: bool = False


@dataclass(eq=False, slots=True)
class FieldsCodec(Codec):
    """A class with fields; ``python`` is the class of the objects.

    ``fields`` is filled in after the codec is made: classes may recur.
    """

    name: str
    python: type[Any]
    fields: tuple[FieldCodec, ...] = field(default=(), init=False)

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


@dataclass(eq=False, slots=True)
class RecordCodec(FieldsCodec):
    """A dataclass, a TypedDict or a NamedTuple; ``make`` gives an object from its fields."""

    make: Callable[[dict[str, Any]], Any]

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
        for each in self.fields:
            if each.key not in value and each.is_written and not each.is_filled:
                raise ConversionError(inner(path, each.key), f"is missing in {self.name}")
        known = {each.key for each in self.fields}
        for key in value:
            if key not in known:
                has = ", ".join(sorted(known)) or "none"
                raise ConversionError(
                    inner(path, str(key)), f"{self.name} has no such field ({has})"
                )


def alias_of(field: dataclasses.Field[Any]) -> str:
    """Return what a field of a dataclass is called in JSON: ``field(metadata={"alias": ...})``."""
    return str(field.metadata.get("alias", field.name))


def check_constructor(cls: Any, fields: Iterable[FieldCodec]) -> None:
    """Refuse a class that cannot be made from its fields alone."""
    if is_typed_dict(cls):
        return
    given = {field.attribute for field in fields}
    for name, parameter in inspect.signature(cls).parameters.items():
        is_listed = parameter.kind not in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD)
        if is_listed and parameter.default is parameter.empty and name not in given:
            raise PythonTypeError(
                f"{cls.__name__}.{name}",
                "its constructor needs what is no field of it; give it a default",
            )
