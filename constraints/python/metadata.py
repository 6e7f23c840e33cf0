"""What ``Annotated`` says beside the type: bounds, constraints of ours, notes for others."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from decimal import Decimal
from typing import Any

from sglc.constraints import types as t
from sglc.constraints.python.codec import Bounds, Codec, PythonTypeError
from sglc.constraints.python.scalars import StrCodec, TypeCodec

_NAMES = (
    "ge", "gt", "le", "lt", "multiple_of", "min_length", "max_length", "pattern",
    "max_digits", "decimal_places",
)  # fmt: skip
_REFUSED = {"Predicate", "Timezone", "Unit"}
_REPLACING = {"Json", "PlainValidator", "SkipJsonSchema", "UuidVersion", "WithJsonSchema"}


def annotated(codec: Codec, metadata: Iterable[Any], where: str) -> Codec:
    """Return the codec with what the metadata adds.

    Known are what ``annotated_types`` and Pydantic's ``Field`` say about sizes, and constraints of
    ``sglc.constraints``, which say all about what is written. Notes of others are passed over.

    Raises:
        PythonTypeError: a bound says nothing about the type or cannot be enforced.
    """
    for item in _flat(metadata):
        if isinstance(item, t.Type):
            if not t.is_constraint(item):
                raise PythonTypeError(where, f"{item} is not something a model can write")
            codec = TypeCodec(item, where, codec)
            continue
        source = _source(item)
        if type(item).__name__ in _REFUSED and source == "annotated_types":
            raise PythonTypeError(where, f"{item!r} cannot be enforced; check the value afterwards")
        if source == "pydantic" and getattr(item, "strip_whitespace", None):
            codec = codec.trimmed() if isinstance(codec, StrCodec) else codec
        if source in ("annotated_types", "pydantic"):
            codec = codec.bounded(_bounds(item), where)
    return codec


def is_replaced(metadata: Iterable[Any]) -> bool:
    """Whether something of Pydantic says that the type itself does not tell what is written."""
    kinds = (item if isinstance(item, type) else type(item) for item in metadata)
    return any(
        kind.__module__.startswith("pydantic.") and kind.__name__ in _REPLACING for kind in kinds
    )


def is_validated(metadata: Iterable[Any]) -> bool:
    """Whether Pydantic does something to the values, so that it has to read them."""
    changes = ("strip_whitespace", "to_upper", "to_lower")
    return any(
        _source(item) == "pydantic"
        and (
            hasattr(item, "__get_pydantic_core_schema__")
            or any(getattr(item, name, None) for name in changes)
        )
        for item in metadata
    )


def _source(item: Any) -> str:
    return type(item).__module__.partition(".")[0]


def _flat(metadata: Iterable[Any]) -> Iterator[Any]:
    for item in metadata:
        source = _source(item)
        if source == "pydantic" and isinstance(getattr(item, "metadata", None), list):
            yield from _flat(item.metadata)  # Field(...) itself
        elif source in ("annotated_types", "pydantic") and hasattr(item, "__iter__"):
            yield from _flat(item)  # Interval, Len, StringConstraints
        else:
            yield item


def _bounds(item: Any) -> Bounds:
    given = {name: getattr(item, name, None) for name in _NAMES}
    given = {k: float(v) if isinstance(v, Decimal) else v for k, v in given.items()}
    made = Bounds(**{name: value for name, value in given.items() if value is not None})
    pattern = made.pattern
    return (
        made
        if pattern is None or isinstance(pattern, str)
        else replace(made, pattern=pattern.pattern)
    )
