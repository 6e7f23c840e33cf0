"""Codecs of Pydantic models (version 2) and of whatever else Pydantic has a JSON Schema for.

Pydantic reads and checks the values. A model whose fields have exact counterparts is a record;
anything else goes through its JSON Schema, closed: a model writes every field and no other one.
"""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, get_args, get_origin

from sglc.constraints import types as t
from sglc.constraints.python.closed import UnwritableError, closed_schema
from sglc.constraints.python.codec import (
    Codec,
    ConversionError,
    Data,
    Definitions,
    PythonTypeError,
    inner,
    unknown_type,
)
from sglc.constraints.python.hints import is_typed_dict, unreadable
from sglc.constraints.python.records import FieldCodec, FieldsCodec
from sglc.constraints.python.written import schema_type


@dataclass(eq=False, slots=True)
class AdapterCodec(Codec):
    """A type that Pydantic knows all about. ``adapter`` is its ``TypeAdapter``."""

    name: str
    python: Any
    adapter: Any
    is_secret: bool = False

    def type(self) -> t.Type:
        return schema_type(self)

    def schema(self, definitions: Definitions) -> Data:
        start = definitions.fresh(self.name)
        data = closed_schema(self.adapter, f"#/$defs/{start}{{model}}")
        inside = data.pop("$defs", {})
        definitions.add({start + name: each for name, each in inside.items()})
        return data

    def load(self, value: Any, path: str) -> Any:
        return validated(self.adapter.validate_json, value, path)

    def dump(self, value: Any, path: str) -> Any:
        from pydantic_core import PydanticSerializationError

        if self.is_secret:
            raise ConversionError(path, "a secret is not said to a model; give its text")
        if not self._is_one(value):
            try:
                value = self.adapter.validate_python(value)
            except ValueError as error:
                raise _refused(error, path) from error
        try:
            return self.adapter.dump_python(value, mode="json", by_alias=True, round_trip=True)
        except (PydanticSerializationError, ValueError) as error:
            raise ConversionError(path, str(error)) from error

    def _is_one(self, value: Any) -> bool:
        python = self.python
        return isinstance(python, type) and not is_typed_dict(python) and isinstance(value, python)


@dataclass(eq=False, slots=True)
class ModelCodec(FieldsCodec):
    """A model that is a record: ``fields`` say what may be written, the model reads it."""

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
    from pydantic.errors import (
        PydanticInvalidForJsonSchema,
        PydanticSchemaGenerationError,
        PydanticUserError,
    )

    name = (not get_args(hint) and getattr(hint, "__name__", None)) or str(hint)
    if inspect.isroutine(hint) or get_origin(hint) is type:
        raise unknown_type(name, where)  # Pydantic has schemas of these that nothing is read by
    try:
        adapter = TypeAdapter(hint)
        codec = AdapterCodec(name, hint, adapter)
        made = schema_type(codec)
    except (PydanticInvalidForJsonSchema, PydanticSchemaGenerationError):
        raise unknown_type(name, where) from None
    except (PydanticUserError, UnwritableError, NameError, ImportError) as error:
        raise PythonTypeError(where, str(error).splitlines()[0]) from None
    codec.is_secret = '"writeOnly":true' in made.text
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


def is_record(model: Any) -> bool:
    """Whether what a model reads is an object of its fields, and of nothing else."""
    return not model.__pydantic_root_model__ and model.model_config.get("extra") != "allow"


def complete_model(model: Any, where: str) -> None:
    """Let a model find the classes that were defined behind it.

    Raises:
        PythonTypeError: one of them is nowhere.
    """
    try:
        model.model_rebuild()
    except NameError as error:
        raise unreadable(model, error, where) from None


def model_fields(
    model: Any, codec_of: Callable[[Any, str], Codec], where: str
) -> Iterator[FieldCodec]:
    """Yield the fields of a model that is a record as a model writes them.

    Raises:
        PythonTypeError: a field has no constraint.
    """
    from pydantic_core import PydanticUndefined

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
        has_alias = model.model_config.get("validate_by_alias") is not False
        key = _alias(info.validation_alias, name, place) if has_alias else name
        yield FieldCodec(key, name, codec, True, default, not info.is_required())


def _alias(alias: Any, name: str, where: str) -> str:
    from pydantic import AliasChoices, AliasPath

    if isinstance(alias, AliasChoices):
        alias = next((choice for choice in alias.choices if isinstance(choice, str)), alias)
    if isinstance(alias, AliasChoices | AliasPath):
        raise PythonTypeError(where, "is read from inside of another field; give it a plain alias")
    return name if alias is None else str(alias)
