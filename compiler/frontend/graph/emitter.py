"""Writes ops of one function: fresh value names, the region being filled, sampling sites."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from sglc.compiler.ir.op import AttrValue, Literal, Op, Operand, Region, Value
from sglc.compiler.ir.op import operand as as_operand
from sglc.compiler.ir.values import ANY, BOOL, INT, NONE, NUMBER, STR, ValueType, join, list_of
from sglc.compiler.source import Span

Results = Iterable[tuple[str, ValueType]]


@dataclass(frozen=True, slots=True)
class Mark:
    """A state of an emitter to come back to, when a region must be written again."""

    num_changes: int
    num_sites: int


@dataclass
class Emitter:
    """Ops go to the innermost open region. ``ops`` is that region's list.

    ``_changes`` are the names that were given out, with their counts before: what is written again
    takes them back, and a copy of all names per loop would take as long as the function is.
    """

    ops: list[Op] = field(default_factory=list)
    _names: dict[str, int] = field(default_factory=dict)
    _changes: list[tuple[str, int | None]] = field(default_factory=list)
    _num_sites: int = 0

    def value(self, hint: str, type_: ValueType) -> Value:
        """Return a new value named after ``hint``; a number is added when the name is taken."""
        count = self._names.get(hint, 0)
        self._count(hint, count + 1)
        if count == 0 and hint != "s":
            return Value(hint, type_)
        name = f"{hint}{count}"
        if name in self._names:
            return self.value(hint, type_)
        self._count(name, 1)
        return Value(name, type_)

    def _count(self, name: str, count: int) -> None:
        self._changes.append((name, self._names.get(name)))
        self._names[name] = count

    def parameter(self, name: str, type_: ValueType) -> Value:
        """Return the value of a parameter, under exactly its name. Parameters come first."""
        self._count(name, 1)
        return Value(name, type_)

    def site(self) -> str:
        """Return the number of a new sampling site; numbers are unique in the function."""
        self._num_sites += 1
        return str(self._num_sites)

    def emit(
        self,
        name: str,
        *args: object,
        results: Results = (),
        kwargs: Mapping[str, object] | None = None,
        attrs: Mapping[str, AttrValue] | None = None,
        regions: Iterable[Region] = (),
        span: Span | None = None,
    ) -> tuple[Value, ...]:
        """Append an op and return its results."""
        values = tuple(self.value(hint, type_) for hint, type_ in results)
        self.ops.append(
            Op(
                name=name,
                results=values,
                args=tuple(map(as_operand, args)),
                kwargs=tuple((key, as_operand(value)) for key, value in (kwargs or {}).items()),
                attrs=dict(attrs or {}),
                regions=tuple(regions),
                span=span,
            )
        )
        return values

    def one(
        self,
        hint: str,
        type_: ValueType,
        op: str,
        /,
        *args: object,
        span: Span | None = None,
        **attrs: AttrValue,
    ) -> Value:
        """Append an op with one result and return it."""
        return self.emit(op, *args, results=[(hint, type_)], attrs=attrs, span=span)[0]

    @property
    def is_closed(self) -> bool:
        """Whether the open region has its terminator; nothing after it can run."""
        return bool(self.ops) and self.ops[-1].spec.terminator

    def mark(self) -> Mark:
        """Remember names and sites; see ``rewind``."""
        return Mark(len(self._changes), self._num_sites)

    def rewind(self, mark: Mark) -> None:
        """Forget the names and sites made since ``mark``. The ops made since must be dropped."""
        while len(self._changes) > mark.num_changes:
            name, count = self._changes.pop()
            if count is None:
                del self._names[name]
            else:
                self._names[name] = count
        self._num_sites = mark.num_sites


def type_of(operand: Operand) -> ValueType:
    """Return the type of a value, a literal or a list of them."""
    if isinstance(operand, Value):
        return operand.type
    if isinstance(operand, tuple):
        item: ValueType | None = None
        for element in operand:
            item = type_of(element) if item is None else join(item, type_of(element))
        return list_of(item or ANY)
    if isinstance(operand, Literal):
        match operand.value:
            case None:
                return NONE
            case bool():
                return BOOL
            case int():
                return INT
            case float():
                return NUMBER
            case str():
                return STR
    return ANY
