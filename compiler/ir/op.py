"""Ops, values and regions: the parts a graph is made of. All frozen.

Every value is assigned once, so a value is a future and the use of a value is the only order
between ops. A stream is such a value: an op takes one version and gives the next, and a version
that is used twice is a fork.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from sglc.compiler.ir.values import EFFECT, ValueType
from sglc.compiler.plan.plan import Loc, Scalar

if TYPE_CHECKING:
    from sglc.compiler.ir.spec import OpSpec
    from sglc.compiler.source import Span

    Place = Span | Loc


@dataclass(frozen=True, slots=True)
class Value:
    """The result of one op or a parameter; ``name`` is unique in its function."""

    name: str
    type: ValueType

    def __hash__(self) -> int:
        return hash(self.name)  # a type takes long, and no other value has this name

    def __str__(self) -> str:
        return "%" + self.name


@dataclass(frozen=True, slots=True)
class Symbol:
    """The name of a function, tool or constraint of the module."""

    name: str

    def __str__(self) -> str:
        return "@" + self.name


@dataclass(frozen=True, slots=True, eq=False)
class Literal:
    """A constant scalar. ``1``, ``1.0`` and ``true`` differ."""

    value: Scalar

    def __post_init__(self) -> None:
        if isinstance(self.value, float) and not math.isfinite(self.value):
            raise ValueError(f"not a finite number: {self.value}")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Literal) and self._key() == other._key()

    def __hash__(self) -> int:
        return hash(self._key())

    def _key(self) -> tuple[type, str]:
        return type(self.value), repr(self.value)


_specs: dict[str, OpSpec] = {}  # all there are, once one was asked for

Operand = Value | Symbol | Literal | tuple["Operand", ...]
AttrValue = Scalar | Symbol | tuple["AttrValue", ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Region:
    """Ops with parameters, ended by a terminator.

    ``label`` says what the region is to its op; ``case`` holds the literals that select it, or
    the name of a branch.
    """

    label: str = ""
    case: tuple[Scalar, ...] = ()
    params: tuple[Value, ...] = ()
    ops: tuple[Op, ...] = ()

    @property
    def terminator(self) -> Op:
        """The last op. The region must not be empty."""
        return self.ops[-1]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Op:
    """One operation: an instance of an ``OpSpec``. Ops are compared by identity.

    ``origins`` are the places an op made by a pass comes from, when ``span`` alone cannot say.
    """

    name: str
    results: tuple[Value, ...] = ()
    args: tuple[Operand, ...] = ()
    kwargs: tuple[tuple[str, Operand], ...] = ()
    attrs: Mapping[str, AttrValue] = field(default_factory=dict)
    regions: tuple[Region, ...] = ()
    span: Place | None = None
    origins: tuple[Place, ...] = ()

    @property
    def spec(self) -> OpSpec:
        """The declaration of this op.

        Raises:
            KeyError: there is no op of this name.
        """
        found = _specs.get(self.name)
        if found is None:
            from sglc.compiler.ir.ops import OPS

            _specs.update(OPS)
            found = _specs[self.name]
        return found

    @property
    def result(self) -> Value:
        """The only result."""
        (value,) = self.results
        return value

    @property
    def symbol(self) -> str | None:
        """The name of the function or tool this op calls."""
        return next((arg.name for arg in self.args if isinstance(arg, Symbol)), None)

    @property
    def has_effect(self) -> bool:
        """Whether the op is a call that takes part in the chain of effects.

        Its first result is then an effect. Control ops only hand effects on.
        """
        return bool(self.results) and self.results[0].type == EFFECT and self.spec.effectful

    @property
    def after(self) -> Operand | None:
        """The effect this op comes after: the last keyword of an op that has an effect."""
        if self.has_effect and self.kwargs and self.kwargs[-1][0] == "after":
            return self.kwargs[-1][1]
        return None

    def kwarg(self, name: str) -> Operand | None:
        """Return the keyword operand ``name``, or None."""
        return next((value for key, value in self.kwargs if key == name), None)

    def operands(self) -> Iterator[Operand]:
        """Yield positional, then keyword operands; lists as they are."""
        yield from self.args
        for _, value in self.kwargs:
            yield value

    def inputs(self) -> Iterator[Value]:
        """Yield the values among the operands, in order, with repeats; not those of regions."""
        for operand in self.operands():
            yield from values_in(operand)

    def with_(self, **changes: Any) -> Op:
        """Return a copy with some parts replaced."""
        return replace(self, **changes)


def values_in(operand: Operand) -> Iterator[Value]:
    """Yield the values inside an operand, in order, with repeats."""
    if isinstance(operand, Value):
        yield operand
    elif isinstance(operand, tuple):
        for item in operand:
            yield from values_in(item)


def operand(value: object) -> Operand:
    """Return ``value`` as an operand: scalars become literals, lists are taken item by item.

    Raises:
        TypeError: it is none of value, symbol, scalar, list.
    """
    if isinstance(value, Value | Symbol | Literal):
        return value
    if value is None or isinstance(value, bool | int | float | str):
        return Literal(value)
    if isinstance(value, list | tuple):
        return tuple(map(operand, value))
    raise TypeError(f"not an operand: {value!r}")


def substitute(item: Operand, mapping: Mapping[Value, Operand]) -> Operand:
    """Return an operand with values replaced."""
    if isinstance(item, Value):
        return mapping.get(item, item)
    if isinstance(item, tuple):
        return tuple(substitute(inner, mapping) for inner in item)
    return item


def walk(ops: Iterable[Op]) -> Iterator[Op]:
    """Yield ops and the ops of their regions, outer first, in program order."""
    for op in ops:
        yield op
        for region in op.regions:
            yield from walk(region.ops)
