"""From a Python type to its codec."""

from __future__ import annotations

import collections.abc
import dataclasses
import decimal
import enum
import functools
import typing
from collections.abc import Iterable, Mapping
from typing import Annotated, Any, get_args, get_origin

from sglc.constraints import types as t
from sglc.constraints.python.codec import Codec, ConversionError, PythonTypeError
from sglc.constraints.python.containers import (
    ListCodec,
    MapCodec,
    OptionalCodec,
    TupleCodec,
    UnionCodec,
)
from sglc.constraints.python.hints import (
    field_hints,
    is_required,
    is_typed_dict,
    is_union,
    unwrapped,
)
from sglc.constraints.python.metadata import annotated, is_replaced, is_validated
from sglc.constraints.python.records import FieldCodec, RecordCodec, alias_of
from sglc.constraints.python.scalars import (
    AnyCodec,
    BoolCodec,
    ConstantCodec,
    FloatCodec,
    IntCodec,
    NoneCodec,
    StrCodec,
    TypeCodec,
)
from sglc.constraints.python.spelled import SPELLED, DecimalCodec

_PLAIN: Mapping[Any, Codec] = {
    str: StrCodec(),
    int: IntCodec(),
    float: FloatCodec(),
    bool: BoolCodec(),
    None: NoneCodec(),
    type(None): NoneCodec(),
    Any: AnyCodec(),
    object: AnyCodec(),
    decimal.Decimal: DecimalCodec(),
    **SPELLED,
}
_LISTS: Mapping[Any, Any] = {
    list: list,
    tuple: tuple,
    set: set,
    frozenset: frozenset,
    collections.abc.Sequence: list,
    collections.abc.MutableSequence: list,
    collections.abc.Iterable: list,
    collections.abc.Collection: list,
    collections.abc.Set: frozenset,
    collections.abc.MutableSet: set,
}
_MAPS = (dict, collections.abc.Mapping, collections.abc.MutableMapping)
_DEFAULTS = (list, dict, set, frozenset, tuple, str, int, float, bool)


@functools.lru_cache(maxsize=512)
def _kept(hint: Any, written: str) -> Codec:
    """``written`` tells unions apart that differ in their order, which Python calls equal."""
    return Resolver().codec(hint, _name(hint))


def codec_of(hint: Any) -> Codec:
    """Return the codec of a Python type, kept for the next time.

    Raises:
        PythonTypeError: no constraint stands for it, or for a part of it.
    """
    return _kept(hint, repr(hint)) if _is_hashable(hint) else Resolver().codec(hint, _name(hint))


class _Recurs(Exception):
    """A Pydantic model or an alias was met inside of itself."""

    def __init__(self, hint: Any) -> None:
        self.hint = hint


class Resolver:
    """Makes the codecs of one type and of all in it; classes are made once, so they may recur."""

    def __init__(self) -> None:
        self._records: dict[tuple[Any, str], RecordCodec] = {}
        self._open: list[Any] = []  # models and aliases that are being read
        self._in_model = False

    def codec(self, hint: Any, where: str) -> Codec:
        """Return the codec of ``hint``, which stands at ``where``.

        Raises:
            PythonTypeError: no constraint stands for it.
        """
        hint = unwrapped(hint)
        if type(hint).__name__ == "TypeAliasType":
            return self._alias(hint, where)
        if isinstance(hint, t.Type):
            if not t.is_constraint(hint):
                raise PythonTypeError(where, f"{hint} is not something a model can write")
            return TypeCodec(hint, where)
        plain = _PLAIN.get(hint) if _is_hashable(hint) else None
        if plain is not None:
            return plain
        if isinstance(hint, str | typing.ForwardRef):
            raise PythonTypeError(where, f"the name {hint!r} is not known; give the class itself")
        origin, args = get_origin(hint), get_args(hint)
        if origin is Annotated:
            return self._annotated(hint, args, where)
        if is_union(origin):
            return self._union(args, where)
        if origin is typing.Literal:
            return self._literal(args, where)
        if isinstance(hint, typing.TypeVar):
            raise PythonTypeError(where, f"{hint} stands for any type; say which one")
        found = self._container(origin or hint, args, where)
        return found if found is not None else self._class(hint, origin or hint, args, where)

    def _annotated(self, hint: Any, args: tuple[Any, ...], where: str) -> Codec:
        metadata = args[1:]
        if is_replaced(metadata):
            return self._other(hint, where)
        codec = annotated(self.codec(args[0], where), metadata, where)
        if self._in_model or not is_validated(metadata):
            return codec
        return TypeCodec(codec.type(), where, self._other(hint, where))

    def _alias(self, hint: Any, where: str) -> Codec:
        """The codec of ``type X = ...``; one that names itself is Pydantic's."""
        if hint in self._open:
            raise _Recurs(hint)
        self._open.append(hint)
        try:
            return self.codec(hint.__value__, where)
        except _Recurs as found:
            if found.hint is not hint:
                raise
        finally:
            self._open.pop()
        return self._other(hint, where)

    # -- made of other types

    def _union(self, args: tuple[Any, ...], where: str) -> Codec:
        some = [arg for arg in args if arg is not type(None)]
        codecs = tuple(self.codec(arg, where) for arg in some)
        if not codecs:
            return NoneCodec()
        made = codecs[0] if len(codecs) == 1 else UnionCodec(codecs)
        return made if len(some) == len(args) else OptionalCodec(made)

    def _literal(self, args: tuple[Any, ...], where: str) -> Codec:
        some = [arg for arg in args if arg is not None]
        pairs = tuple((arg.value if isinstance(arg, enum.Enum) else arg, arg) for arg in some)
        if not pairs:
            return NoneCodec()
        made = self._constants("one of the constants", pairs, where)
        return made if len(some) == len(args) else OptionalCodec(made)

    def _constants(self, what: str, pairs: tuple[tuple[Any, Any], ...], where: str) -> Codec:
        for value, made in pairs:
            if not isinstance(value, str | int | float) or value in (
                float("inf"),
                float("-inf"),
            ):
                raise PythonTypeError(
                    where, f"{made!r} has no JSON form; use texts, integers or truth values"
                )
        if not pairs:
            raise PythonTypeError(where, f"{what}: there is none")
        # values of an Enum that is also a str or an int are subclasses: JSON has plain ones
        return ConstantCodec(what, tuple((_plain_constant(v), made) for v, made in pairs))

    def _container(self, origin: Any, args: tuple[Any, ...], where: str) -> Codec | None:
        if origin is tuple and args and args[-1] is not Ellipsis:
            return TupleCodec(tuple(self.codec(a, f"{where}[{i}]") for i, a in enumerate(args)))
        if origin is tuple and args == () and get_origin(tuple) is not None:
            return TupleCodec(())
        if origin in _LISTS:
            make = _LISTS[origin]
            item = self.codec(args[0] if args else Any, f"{where}[]")
            kinds = tuple(kind for kind in (make, origin) if isinstance(kind, type))
            return ListCodec(item, make, kinds, make in (set, frozenset))
        if origin in _MAPS:
            key, value = args or (str, Any)
            if key is not str:
                raise PythonTypeError(
                    where, f"keys of JSON are texts, not {_name(key)}; use dict[str, ...] or a list"
                )
            return MapCodec(self.codec(value, f"{where}{{}}"))
        return None

    # -- classes

    def _class(self, hint: Any, origin: Any, args: tuple[Any, ...], where: str) -> Codec:
        if isinstance(origin, type):
            if issubclass(origin, enum.Enum):
                pairs = tuple((member.value, member) for member in origin)
                return self._constants(f"a {origin.__name__}", pairs, where)
            if hasattr(origin, "__pydantic_validator__") or self._in_model:
                return self._pydantic(hint, where)
            if dataclasses.is_dataclass(origin):
                return self._record(hint, origin, args, where, self._dataclass)
            if is_typed_dict(origin):
                return self._record(hint, origin, args, where, self._typed_dict)
            if issubclass(origin, tuple) and hasattr(origin, "_fields"):
                return self._record(hint, origin, args, where, self._named_tuple)
        return self._other(hint, where)

    def _record(
        self, hint: Any, origin: Any, args: tuple[Any, ...], where: str, read: Any
    ) -> Codec:
        key = (hint, repr(hint))
        known = self._records.get(key)
        if known is None:
            name = origin.__name__
            python = dict if is_typed_dict(origin) else origin  # its class has no isinstance
            known = RecordCodec(name, python, lambda held: origin(**held))
            self._records[key] = known
            known.fields = tuple(read(origin, field_hints(origin, args, where), name))
        return known

    def _dataclass(self, cls: Any, hints: Mapping[str, Any], name: str) -> Iterable[FieldCodec]:
        for field in dataclasses.fields(cls):
            if not field.init:
                continue
            where = f"{name}.{field.name}"
            codec = self.codec(hints[field.name], where)
            default: Any = t.MISSING
            if field.default is not dataclasses.MISSING:
                default = field.default
            elif field.default_factory in _DEFAULTS:
                default = field.default_factory()
            default = _default(codec, default)
            yield FieldCodec(alias_of(field), field.name, codec, True, default)

    def _typed_dict(self, cls: Any, hints: Mapping[str, Any], name: str) -> Iterable[FieldCodec]:
        for key, hint in hints.items():
            codec = self.codec(hint, f"{name}.{key}")
            yield FieldCodec(key, key, codec, is_required(cls, key, hint))

    def _named_tuple(self, cls: Any, hints: Mapping[str, Any], name: str) -> Iterable[FieldCodec]:
        for key in cls._fields:
            codec = self.codec(hints.get(key, Any), f"{name}.{key}")
            default = _default(codec, cls._field_defaults.get(key, t.MISSING))
            yield FieldCodec(key, key, codec, True, default)

    # -- Pydantic

    def _pydantic(self, hint: Any, where: str) -> Codec:
        from sglc.constraints.python.models import ModelCodec, adapter_codec, model_fields

        if not hasattr(hint, "model_fields"):
            return adapter_codec(hint, where)
        if hint in self._open:
            raise _Recurs(hint)
        outer, self._in_model = self._in_model, True
        self._open.append(hint)
        try:
            fields = model_fields(hint, self._model_field, hint.__name__)
        except _Recurs as found:
            if found.hint is not hint:
                raise
            fields = None
        finally:
            self._open.pop()
            self._in_model = outer
        if fields is None:
            return adapter_codec(hint, where)
        return ModelCodec(hint.__name__, hint, fields)

    def _model_field(self, hint: Any, where: str) -> Codec:
        """The codec of a field of a model: ours where it says the same, else Pydantic's."""
        from sglc.constraints.python.models import adapter_codec

        try:
            return self.codec(hint, where)
        except PythonTypeError:
            return adapter_codec(hint, where)

    def _other(self, hint: Any, where: str) -> Codec:
        """The codec of a type that only Pydantic may know."""
        if hint in (complex, bytes, bytearray, memoryview):
            raise PythonTypeError(where, f"{_name(hint)} has no JSON form; use a text")
        try:
            from sglc.constraints.python.models import adapter_codec

            return adapter_codec(hint, where)
        except ImportError:
            raise PythonTypeError(
                where,
                f"no constraint stands for {_name(hint)}; use a dataclass, or "
                "Annotated[..., constraint], or install pydantic, which knows more types",
            ) from None


def _default(codec: Codec, value: Any) -> Any:
    """The default as a value of a program; MISSING if it is not of the type."""
    try:
        return value if value is t.MISSING else codec.dump(value, "")
    except ConversionError:
        return t.MISSING


def _plain_constant(value: Any) -> Any:
    for kind in (bool, str, int, float):
        if isinstance(value, kind):
            return kind(value) if kind is not str else str.__str__(value)
    return value


def _is_hashable(hint: Any) -> bool:
    try:
        hash(hint)
    except TypeError:  # of what Annotated was given
        return False
    return True


def _name(hint: Any) -> str:
    if get_origin(hint) is Annotated:
        return _name(get_args(hint)[0])
    if isinstance(hint, type) and not get_args(hint):
        return hint.__name__
    return str(hint).replace("typing.", "")
