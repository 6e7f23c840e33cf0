"""From a Python type to its codec."""

from __future__ import annotations

import collections.abc
import dataclasses
import decimal
import enum
import functools
import typing
from collections.abc import Iterable, Mapping
from contextlib import suppress
from importlib.util import find_spec
from typing import TYPE_CHECKING, Annotated, Any, get_args, get_origin

from sglc.constraints import types as t
from sglc.constraints.python.codec import Codec, ConversionError, PythonTypeError, unknown_type
from sglc.constraints.python.constants import constants, unread_member
from sglc.constraints.python.containers import (
    ListCodec,
    MapCodec,
    OptionalCodec,
    ReadCodec,
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
from sglc.constraints.python.records import FieldCodec, RecordCodec, alias_of, check_constructor
from sglc.constraints.python.scalars import (
    AnyCodec,
    BoolCodec,
    FloatCodec,
    IntCodec,
    NoneCodec,
    StrCodec,
    TypeCodec,
)
from sglc.constraints.python.spelled import SPELLED, DecimalCodec

if TYPE_CHECKING:
    from sglc.constraints.python.models import ModelCodec

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
    if hasattr(type(hint), "__pydantic_validator__"):
        name = type(hint).__name__
        raise PythonTypeError(name, f"this is an object of it; give the class, {name}, itself")
    return _kept(hint, repr(hint)) if _is_hashable(hint) else Resolver().codec(hint, _name(hint))


class _Recurs(Exception):
    """An alias was met inside of itself."""

    def __init__(self, hint: Any) -> None:
        self.hint = hint


class Resolver:
    """Makes the codecs of one type and of all in it; classes are made once, so they may recur."""

    def __init__(self) -> None:
        self._records: dict[tuple[Any, str], RecordCodec] = {}
        self._models: dict[Any, ModelCodec] = {}
        self._open: list[Any] = []  # aliases that are being read
        self._config: Mapping[str, Any] | None = None  # of the model that is being read

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
        if hint is str and self._config is not None:
            given = self._config.get
            made = StrCodec(given("str_min_length") or 0, given("str_max_length"))
            return made.trimmed() if given("str_strip_whitespace") else made
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
        if hint == tuple[()]:
            return TupleCodec(())
        found = self._container(origin or hint, args, where)
        return found if found is not None else self._class(hint, origin or hint, args, where)

    def _annotated(self, hint: Any, args: tuple[Any, ...], where: str) -> Codec:
        metadata = args[1:]
        if is_replaced(metadata):
            return self._other(hint, where)
        codec = annotated(self.codec(args[0], where), metadata, where)
        if self._config is not None or not is_validated(metadata):
            return codec
        return ReadCodec(codec, self._other(hint, where))

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
        except PythonTypeError:  # of older aliases, which name themselves by a text
            with suppress(PythonTypeError):
                return self._other(hint, where)
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
        reason = unread_member(some) if self._config is not None else None
        if reason is not None:
            raise PythonTypeError(where, reason)
        pairs = tuple((arg.value if isinstance(arg, enum.Enum) else arg, arg) for arg in some)
        if not pairs:
            return NoneCodec()
        made = constants("one of the constants", pairs, where)
        return made if len(some) == len(args) else OptionalCodec(made)

    def _container(self, origin: Any, args: tuple[Any, ...], where: str) -> Codec | None:
        if origin is tuple and args and args[-1] is not Ellipsis:
            return TupleCodec(tuple(self.codec(a, f"{where}[{i}]") for i, a in enumerate(args)))
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
                return constants(f"a {origin.__name__}", pairs, where)
            if hasattr(origin, "__pydantic_validator__") or self._config is not None:
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
            check_constructor(origin, known.fields)
        return known

    def _dataclass(self, cls: Any, hints: Mapping[str, Any], name: str) -> Iterable[FieldCodec]:
        for field in dataclasses.fields(cls):
            if not field.init:
                continue
            where = f"{name}.{field.name}"
            codec = self.codec(hints[field.name], where)
            default: Any = field.default
            if default is dataclasses.MISSING and field.default_factory in _DEFAULTS:
                default = field.default_factory()
            is_filled = not (default is field.default_factory is dataclasses.MISSING)
            default = t.MISSING if default is dataclasses.MISSING else _default(codec, default)
            yield FieldCodec(alias_of(field), field.name, codec, True, default, is_filled)

    def _typed_dict(self, cls: Any, hints: Mapping[str, Any], name: str) -> Iterable[FieldCodec]:
        for key, hint in hints.items():
            codec = self.codec(hint, f"{name}.{key}")
            yield FieldCodec(key, key, codec, is_required(cls, key, hint))

    def _named_tuple(self, cls: Any, hints: Mapping[str, Any], name: str) -> Iterable[FieldCodec]:
        for key in cls._fields:
            codec = self.codec(hints.get(key, Any), f"{name}.{key}")
            is_filled = key in cls._field_defaults
            default = _default(codec, cls._field_defaults[key]) if is_filled else t.MISSING
            yield FieldCodec(key, key, codec, True, default, is_filled)

    # -- Pydantic

    def _pydantic(self, hint: Any, where: str) -> Codec:
        from sglc.constraints.python.models import (
            ModelCodec,
            adapter_codec,
            complete_model,
            is_record,
            model_fields,
        )

        if not hasattr(hint, "model_fields") or not is_record(hint):
            return adapter_codec(hint, where)
        known = self._models.get(hint)
        if known is None:
            complete_model(hint, where)
            known = self._models[hint] = ModelCodec(hint.__name__, hint)
            outer, self._config = self._config, hint.model_config
            try:
                known.fields = tuple(model_fields(hint, self._model_field, hint.__name__))
            finally:
                self._config = outer
        return known

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
        if find_spec("pydantic") is None:
            raise unknown_type(_name(hint), where, ", or install pydantic, which knows more types")
        from sglc.constraints.python.models import adapter_codec

        return adapter_codec(hint, where)


def _default(codec: Codec, value: Any) -> Any:
    """The default as a value of a program; MISSING if it is not of the type."""
    try:
        return codec.dump(value, "")
    except ConversionError:
        return t.MISSING


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
