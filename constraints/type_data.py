"""Types as JSON-able data and back: the round trip that plans use."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields
from typing import Any

from sglc.constraints import types as t
from sglc.constraints.types import MISSING, Field, Type

_OTHERS: tuple[type[t.Type], ...] = (
    t.Union, t.List, t.Record, t.Optional, t.Concat, t.Both, t.Without, t.Sized,
    t.OneOf, t.Image, t.Video, t.NoneType, t.AnyType,
)  # fmt: skip
_CLASSES = {c.kind: c for c in (*t.SCALARS, *_OTHERS)}


def to_data(type_: Type) -> dict[str, Any]:
    """``type_`` as JSON-able data. Defaults of record fields are kept as they are."""
    data: dict[str, Any] = {"type": type_.kind}
    for f in fields(type_):
        data[f.name] = _PACK.get(f.name, _same)(getattr(type_, f.name))
    return data


def from_data(data: Mapping[str, Any]) -> Type:
    """The type that ``to_data`` made ``data`` from.

    Raises:
        ValueError: ``data`` is not the data of a type.
    """
    cls = _CLASSES.get(data.get("type", ""))
    if cls is None:
        raise ValueError(f"not a type: {data!r} (known: {', '.join(_CLASSES)})")
    values = {k: _UNPACK.get(k, _same)(v) for k, v in data.items() if k != "type"}
    try:
        return cls(**values)
    except TypeError as error:
        raise ValueError(f"not a type: {data!r}: {error}") from None


def _same(value: Any) -> Any:
    return value


def _pack_fields(record: tuple[Field, ...]) -> list[dict[str, Any]]:
    return [
        {"name": f.name, "type": to_data(f.type)}
        | ({} if f.default is MISSING else {"default": f.default})
        for f in record
    ]


def _unpack_fields(data: list[dict[str, Any]]) -> tuple[Field, ...]:
    return tuple(Field(d["name"], from_data(d["type"]), d.get("default", MISSING)) for d in data)


_PACK: dict[str, Callable[[Any], Any]] = {
    "options": lambda options: [to_data(option) for option in options],
    "item": to_data,
    "inner": to_data,
    "parts": lambda parts: [to_data(part) for part in parts],
    "texts": list,
    "stops": list,
    "fields": _pack_fields,
}
_UNPACK: dict[str, Callable[[Any], Any]] = {
    "options": lambda options: tuple(from_data(option) for option in options),
    "item": from_data,
    "inner": from_data,
    "parts": lambda parts: tuple(from_data(part) for part in parts),
    "texts": tuple,
    "fields": _unpack_fields,
}
