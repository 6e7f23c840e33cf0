"""Codecs of what is made of other types without names: unions, lists, tuples, dicts."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sglc.constraints import types as t
from sglc.constraints.python.codec import (
    Bounds,
    Codec,
    ConversionError,
    Data,
    Definitions,
    PythonTypeError,
    expected,
    inner,
)
from sglc.constraints.python.scalars import FloatCodec, lengths
from sglc.constraints.python.written import nests, schema_type


@dataclass(frozen=True, slots=True)
class OptionalCodec(Codec):
    """None, or what ``some`` says."""

    some: Codec

    @property
    def parts(self) -> Iterable[Codec]:
        return (self.some,)

    def type(self) -> t.Type:
        return t.Optional(self.some.type())

    def schema(self, definitions: Definitions) -> Data:
        return {"anyOf": [{"type": "null"}, self.some.schema(definitions)]}

    def load(self, value: Any, path: str) -> Any:
        return None if value is None else self.some.load(value, path)

    def dump(self, value: Any, path: str) -> Any:
        return None if value is None else self.some.dump(value, path)

    def bounded(self, bounds: Bounds, where: str) -> Codec:
        return OptionalCodec(self.some.bounded(bounds, where))


@dataclass(frozen=True, slots=True)
class UnionCodec(Codec):
    """The first of the options that takes a value; an integer is a float only at last."""

    options: tuple[Codec, ...]

    @property
    def parts(self) -> Iterable[Codec]:
        return self.options

    def type(self) -> t.Type:
        types = tuple(dict.fromkeys(option.type() for option in self.options))
        return types[0] if len(types) == 1 else t.Union(types)

    def schema(self, definitions: Definitions) -> Data:
        return {"anyOf": [option.schema(definitions) for option in self.options]}

    def load(self, value: Any, path: str) -> Any:
        return self._first(value, path, [option.load for option in self._ordered(value)])

    def dump(self, value: Any, path: str) -> Any:
        mine = [o for o in self.options if getattr(o, "python", None) is type(value)]
        options = mine or self._ordered(value)
        return self._first(value, path, [option.dump for option in options])

    def _ordered(self, value: Any) -> list[Codec]:
        if not isinstance(value, int):
            return list(self.options)
        return sorted(self.options, key=lambda option: isinstance(option, FloatCodec))

    def _first(self, value: Any, path: str, ways: list[Callable[[Any, str], Any]]) -> Any:
        errors: list[ConversionError] = []
        for way in ways:
            try:
                return way(value, path)
            except ConversionError as error:
                errors.append(error)
        if len(errors) == 1:
            raise errors[0]
        reasons = "; or ".join(dict.fromkeys(str(error) for error in errors))
        raise ConversionError(path, f"is none of the {len(errors)} alternatives: {reasons}")


@dataclass(frozen=True, slots=True)
class ReadCodec(Codec):
    """What ``written`` says, in objects that ``read`` makes of it."""

    written: Codec
    read: Codec

    @property
    def parts(self) -> Iterable[Codec]:
        return (self.written,)

    def type(self) -> t.Type:
        return self.written.type()

    def schema(self, definitions: Definitions) -> Data:
        return self.written.schema(definitions)

    def load(self, value: Any, path: str) -> Any:
        return self.read.load(value, path)

    def dump(self, value: Any, path: str) -> Any:
        return self.read.dump(value, path)


@dataclass(frozen=True, slots=True)
class ListCodec(Codec):
    """A JSON array of one kind of item; ``make`` gives the collection that Python has for it.

    ``is_set``: items are unique, and written in the order of their texts.
    """

    item: Codec
    make: Callable[[Iterable[Any]], Collection[Any]]
    kinds: tuple[type[Any], ...]
    is_set: bool = False
    least: int = 0
    most: int | None = None

    @property
    def parts(self) -> Iterable[Codec]:
        return (self.item,)

    def type(self) -> t.Type:
        is_bounded = self.least > 0 or self.most is not None
        if (self.is_set and self.least > 0) or (is_bounded and nests(self.item)):
            return schema_type(self)  # unique items keep to the least length; rules are counted
        return t.List(self.item.type(), self.least, self.most)

    def schema(self, definitions: Definitions) -> Data:
        data: Data = {"type": "array", "items": self.item.schema(definitions)}
        data |= {"minItems": self.least} if self.least else {}
        data |= {} if self.most is None else {"maxItems": self.most}
        return data | ({"uniqueItems": True} if self.is_set else {})

    def load(self, value: Any, path: str) -> Any:
        if not isinstance(value, list | tuple):
            raise expected(path, "a list", value)
        items = [self.item.load(item, inner(path, i)) for i, item in enumerate(value)]
        try:
            made = self.make(items)
        except TypeError as error:  # of a set whose items cannot be hashed
            raise ConversionError(path, str(error)) from None
        self._check(made, path)
        return made

    def dump(self, value: Any, path: str) -> Any:
        if not isinstance(value, list | tuple) and not isinstance(value, self.kinds):
            raise expected(path, f"a {self.kinds[0].__name__}", value)
        self._check(value, path)
        items = [self.item.dump(item, inner(path, i)) for i, item in enumerate(value)]
        return sorted(items, key=lambda item: json.dumps(item)) if self.is_set else items

    def bounded(self, bounds: Bounds, where: str) -> Codec:
        _check_lengths(bounds, where, "a list")
        low, high = lengths(bounds, (self.least, self.most), where)
        return ListCodec(self.item, self.make, self.kinds, self.is_set, low, high)

    def _check(self, items: Collection[Any], path: str) -> None:
        if len(items) < self.least:
            raise ConversionError(path, f"must have {self.least} items at least")
        if self.most is not None and len(items) > self.most:
            raise ConversionError(path, f"must have {self.most} items at most")


@dataclass(frozen=True, slots=True)
class TupleCodec(Codec):
    """A JSON array with an item of its own kind at each place."""

    items: tuple[Codec, ...]

    @property
    def parts(self) -> Iterable[Codec]:
        return self.items

    def type(self) -> t.Type:
        kinds = {item.type() for item in self.items}
        if len(kinds) != 1 or nests(self.items[0]):
            return schema_type(self)
        return t.List(kinds.pop(), len(self.items), len(self.items))

    def schema(self, definitions: Definitions) -> Data:
        data: Data = {"type": "array", "items": False, "minItems": len(self.items)}
        if self.items:
            data["prefixItems"] = [item.schema(definitions) for item in self.items]
        return data

    def load(self, value: Any, path: str) -> Any:
        self._check(value, path)
        pairs = zip(self.items, value, strict=True)
        return tuple(item.load(each, inner(path, i)) for i, (item, each) in enumerate(pairs))

    def dump(self, value: Any, path: str) -> Any:
        self._check(value, path)
        pairs = zip(self.items, value, strict=True)
        return [item.dump(each, inner(path, i)) for i, (item, each) in enumerate(pairs)]

    def _check(self, value: Any, path: str) -> None:
        if not isinstance(value, list | tuple):
            raise expected(path, "a list", value)
        if len(value) != len(self.items):
            raise ConversionError(path, f"must have {len(self.items)} items, not {len(value)}")


@dataclass(frozen=True, slots=True)
class MapCodec(Codec):
    """A JSON object whose keys are free and whose values are of one kind."""

    value: Codec
    least: int = 0
    most: int | None = None

    @property
    def parts(self) -> Iterable[Codec]:
        return (self.value,)

    def type(self) -> t.Type:
        return schema_type(self)

    def schema(self, definitions: Definitions) -> Data:
        data: Data = {"type": "object", "additionalProperties": self.value.schema(definitions)}
        data |= {"minProperties": self.least} if self.least else {}
        return data | ({} if self.most is None else {"maxProperties": self.most})

    def load(self, value: Any, path: str) -> Any:
        self._check(value, path)
        return {key: self.value.load(each, inner(path, key)) for key, each in value.items()}

    def dump(self, value: Any, path: str) -> Any:
        self._check(value, path)
        return {key: self.value.dump(each, inner(path, key)) for key, each in value.items()}

    def bounded(self, bounds: Bounds, where: str) -> Codec:
        _check_lengths(bounds, where, "a dict")
        return MapCodec(self.value, *lengths(bounds, (self.least, self.most), where))

    def _check(self, value: Any, path: str) -> None:
        if not isinstance(value, Mapping):
            raise expected(path, "a record", value)
        odd = [key for key in value if not isinstance(key, str)]
        if odd:
            raise ConversionError(path, f"keys are texts, not {odd[0]!r}")
        if len(value) < self.least or (self.most is not None and len(value) > self.most):
            raise ConversionError(path, f"{len(value)} keys are out of range")


def _check_lengths(bounds: Bounds, where: str, what: str) -> None:
    odd = [name for name in bounds.names if name not in ("min_length", "max_length")]
    if odd:
        raise PythonTypeError(where, f"{', '.join(odd)} does not bound {what}")
