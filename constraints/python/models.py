"""Codecs of Pydantic models (version 2) and of whatever else Pydantic has a JSON Schema for.

Pydantic reads and checks the values. A model whose fields have exact counterparts is a record;
anything else goes through its JSON Schema, closed: a model writes every field and no other one.
"""

from __future__ import annotations

import datetime
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Final

from sglc.constraints import types as t
from sglc.constraints.python.codec import (
    Codec,
    ConversionError,
    Data,
    Definitions,
    PythonTypeError,
    inner,
)
from sglc.constraints.python.records import FieldCodec
from sglc.constraints.python.spelled import SPELLED
from sglc.constraints.python.written import Written, schema_type


@dataclass(eq=False, slots=True)
class AdapterCodec(Codec):
    """A type that Pydantic knows all about. ``adapter`` is its ``TypeAdapter``."""

    name: str
    python: Any
    adapter: Any

    def type(self) -> t.Type:
        return schema_type(self)

    def schema(self, definitions: Definitions) -> Data:
        start = definitions.fresh(self.name)
        template = f"#/$defs/{start}{{model}}"
        data: Data = self.adapter.json_schema(ref_template=template, schema_generator=_generator())
        data = _known(data)
        inside = data.pop("$defs", {})
        definitions.add({start + name: each for name, each in inside.items()})
        return data

    def load(self, value: Any, path: str) -> Any:
        return validated(self.adapter.validate_json, value, path)

    def dump(self, value: Any, path: str) -> Any:
        from pydantic_core import PydanticSerializationError

        if not isinstance(self.python, type) or not isinstance(value, self.python):
            try:
                value = self.adapter.validate_python(value)
            except ValueError as error:
                raise _refused(error, path) from error
        try:
            return self.adapter.dump_python(value, mode="json", by_alias=True, round_trip=True)
        except (PydanticSerializationError, ValueError) as error:
            raise ConversionError(path, str(error)) from error


@dataclass(eq=False, slots=True)
class ModelCodec(Codec):
    """A model that is a record: ``fields`` say what may be written, the model reads it."""

    name: str
    python: Any
    fields: tuple[FieldCodec, ...] = field(default=())

    @property
    def parts(self) -> Iterable[Codec]:
        return [each.codec for each in self.fields]

    def type(self) -> t.Type:
        return t.Record(tuple(t.Field(f.key, f.codec.type(), f.default) for f in self.fields))

    def schema(self, definitions: Definitions) -> Data:
        return {
            "type": "object",
            "properties": {f.key: f.codec.schema(definitions) for f in self.fields},
            "required": [each.key for each in self.fields],
            "additionalProperties": False,
        }

    def load(self, value: Any, path: str) -> Any:
        return validated(self.python.model_validate_json, value, path)

    def dump(self, value: Any, path: str) -> Any:
        if not isinstance(value, self.python):
            value = self.load(value, path)
        return {
            each.key: each.codec.dump(getattr(value, each.attribute), inner(path, each.key))
            for each in self.fields
        }


def validated(read: Callable[[str], Any], value: Any, path: str) -> Any:
    """Return what Pydantic makes of a value, read as JSON: so strict models take it too.

    Raises:
        ConversionError: the first thing that is wrong, and how many more there are.
    """
    try:
        text = json.dumps(value, ensure_ascii=False, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise ConversionError(path, f"is not JSON: {error}") from None
    try:
        return read(text)
    except ValueError as error:
        raise _refused(error, path) from error


def _refused(error: ValueError, path: str) -> ConversionError:
    from pydantic import ValidationError

    if not isinstance(error, ValidationError):
        return ConversionError(path, str(error))
    first, *others = error.errors(include_url=False)
    where = path
    for part in first["loc"]:
        where = f"{where}[{part}]" if isinstance(part, int) else f"{where}.{part}".lstrip(".")
    more = f" (and {len(others)} more)" if others else ""
    return ConversionError(where, first["msg"] + more)


def adapter_codec(hint: Any, where: str) -> AdapterCodec:
    """Return a codec of any type that Pydantic has a JSON Schema for.

    Raises:
        PythonTypeError: Pydantic does not know the type, or its schema cannot be enforced.
    """
    from pydantic import TypeAdapter
    from pydantic.errors import PydanticUserError

    name = getattr(hint, "__name__", None) or str(hint)
    try:
        codec = AdapterCodec(name, hint, TypeAdapter(hint))
        made = schema_type(codec)
    except (PydanticUserError, NameError) as error:
        raise PythonTypeError(where, str(error).splitlines()[0]) from None
    check_schema(made, where)
    return codec


def check_schema(made: t.Schema, where: str) -> None:
    """Refuse a JSON Schema that cannot be enforced.

    Raises:
        PythonTypeError: says which keyword and where.
    """
    from sglc.constraints.schema.errors import SchemaError
    from sglc.constraints.schemas import compiled

    try:
        compiled(made)
    except SchemaError as error:
        raise PythonTypeError(where, f"its JSON Schema cannot be enforced: {error}") from None


@lru_cache(maxsize=1)
def _generator() -> Any:
    from pydantic.json_schema import GenerateJsonSchema

    class Closed(GenerateJsonSchema):
        """Schemas of what a model writes: every field, and no other one unless it says so."""

        def field_is_required(self, field: Any, total: bool) -> bool:
            if field["type"] == "typed-dict-field":
                return bool(super().field_is_required(field, total))
            return True

        def decimal_schema(self, schema: Any) -> Data:
            return {"type": "string", "pattern": _DECIMAL}

        def model_schema(self, schema: Any) -> Data:
            return _closed(super().model_schema(schema))

        def dataclass_schema(self, schema: Any) -> Data:
            return _closed(super().dataclass_schema(schema))

        def typed_dict_schema(self, schema: Any) -> Data:
            return _closed(super().typed_dict_schema(schema))

    return Closed


_DECIMAL: Final = r"^-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?$"
_SPELLED: Final = {
    "date": datetime.date,
    "date-time": datetime.datetime,
    "time": datetime.time,
}
_ANY_TEXT: Final = frozenset({"path", "file-path", "directory-path", "binary", "password"})


def _known(data: Any) -> Any:
    """The schema with the formats that Pydantic reads in its own way written as it does."""
    if isinstance(data, list):
        return [_known(item) for item in data]
    if not isinstance(data, dict):
        return data
    made = {key: _known(item) for key, item in data.items()}
    if made.get("type") == "string" and made.get("format") in _ANY_TEXT:
        del made["format"]
    elif made.get("type") == "string" and made.get("format") in _SPELLED:
        codec = SPELLED[_SPELLED[made.pop("format")]]
        made |= codec.schema(Written())
    return made


def _closed(data: Data) -> Data:
    if "properties" in data or data.get("type") == "object":
        data.setdefault("additionalProperties", False)
    return data


def model_fields(
    model: Any, codec_of: Callable[[Any, str], Codec], where: str
) -> tuple[FieldCodec, ...] | None:
    """Return the fields of a model as a model writes them; None if it is not quite a record.

    Raises:
        PythonTypeError: a field has no constraint.
    """
    from pydantic_core import PydanticUndefined

    if model.__pydantic_root_model__ or model.model_config.get("extra") == "allow":
        return None
    found = []
    for name, info in model.model_fields.items():
        place = f"{where}.{name}"
        default = t.MISSING if info.default is PydanticUndefined else info.default
        if info.exclude:
            if info.is_required():
                raise PythonTypeError(place, "is left out of JSON: give it a default")
            continue
        codec = codec_of(info.rebuild_annotation(), place)
        if default is not t.MISSING:
            try:
                default = codec.dump(default, place)
            except ConversionError:  # a default need not be of the type
                default = t.MISSING
        found.append(FieldCodec(_key(info, name, place), name, codec, True, default))
    return tuple(found)


def _key(info: Any, name: str, where: str) -> str:
    from pydantic import AliasChoices, AliasPath

    alias = info.validation_alias
    if isinstance(alias, AliasChoices):
        alias = next((choice for choice in alias.choices if isinstance(choice, str)), alias)
    if isinstance(alias, AliasChoices | AliasPath):
        raise PythonTypeError(where, "is read from inside of another field; give it a plain alias")
    return name if alias is None else str(alias)
