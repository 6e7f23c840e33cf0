"""How an op is declared: its shape and the traits that passes ask for.

Nothing outside ``ops.py`` and the two engines (interpreter, executor) needs the name of an op.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, NamedTuple

from sglc.compiler.ir.values import ValueType

if TYPE_CHECKING:
    from sglc.compiler.ir.op import Op

Exit = Literal["loop", "cond", "function", "failure"]
"""A way to leave a region before its end: ``break``/``continue``, a false ``cond``, ``return``,
an error the program raises itself (``check``, ``fail``)."""


class Slot(NamedTuple):
    """One operand position. ``kind``: any, stream, callee, tool, or the name of a value type."""

    kind: str
    optional: bool = False
    rest: bool = False


def slots(text: str) -> tuple[Slot, ...]:
    """Read ``"stream any? any*"``: ``?`` may be missing, ``*`` takes the rest."""
    return tuple(
        Slot(word.rstrip("?*"), word.endswith("?"), word.endswith("*")) for word in text.split()
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class RegionSpec:
    """A region an op has. ``barrier``: break, continue and return cannot cross it."""

    label: str
    least: int = 1
    most: int | None = 1
    catches: frozenset[Exit] = frozenset()
    barrier: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class OpSpec:
    """The declaration of one op. The traits are claims about every op of this name.

    pure: host arithmetic on its operands; calls no model, tool or function. An op with regions is
      as pure as they are, see ``is_pure``.
    total: pure, and cannot fail. formats: but fails for host values, which have no text.
    model: asks the model. calls: runs a function of the module. host: runs a tool.
    effectful: may change the world, depending on the tool or callee it names.
    reads_stream: has a stream operand. writes_stream: gives the next version of its first one.
    control: what runs is decided by its regions. loop: its region runs once per turn.
    terminator: ends a region. site: needs the ``rng`` attribute, unique in its function.
    exits: how it may leave its region.
    hint: tells the runtime about its operands and means nothing, so it keeps nothing alive.
    """

    name: str
    meaning: str
    args: tuple[Slot, ...] = ()
    kwargs: frozenset[str] = frozenset()
    any_kwargs: bool = False
    results: tuple[ValueType, ...] | None = ()
    attrs: Mapping[str, str] = field(default_factory=dict)
    required: tuple[str, ...] = ()
    regions: tuple[RegionSpec, ...] = ()
    pure: bool = False
    total: bool = False
    formats: bool = False
    model: bool = False
    calls: bool = False
    host: bool = False
    effectful: bool = False
    loop: bool = False
    terminator: bool = False
    site: bool = False
    writes_stream: bool = False
    hint: bool = False
    exits: frozenset[Exit] = frozenset()

    @property
    def control(self) -> bool:
        return bool(self.regions)

    @property
    def reads_stream(self) -> bool:
        return any(slot.kind == "stream" for slot in self.args)

    def region(self, label: str) -> RegionSpec | None:
        """Return the declaration of the regions called ``label``, or None."""
        return next((region for region in self.regions if region.label == label), None)

    def default_types(self, count: int, *, effect: bool = False) -> tuple[ValueType | None, ...]:
        """Return the types that ``count`` results have unless declared; None where none is known.

        ``effect``: the first of them is the effect of an op that takes part in the chain.
        """
        from sglc.compiler.ir.values import EFFECT

        known: tuple[ValueType, ...] = (
            (EFFECT, *(self.results or ())) if effect else self.results or ()
        )
        return tuple(known[i] if i < len(known) else None for i in range(count))


def is_pure(op: Op) -> bool:
    """Whether the op and all ops of its regions are pure; leaving them early does not count."""
    return op.spec.pure and all(is_pure(inner) for r in op.regions for inner in r.ops)


def is_total(op: Op) -> bool:
    """Whether the op is pure and can neither fail nor leave its region."""
    if exits(op):
        return False
    if op.spec.formats and any(_may_be_host(value.type) for value in op.inputs()):
        return False
    return op.spec.total and all(is_total(inner) for r in op.regions for inner in r.ops)


def _may_be_host(type_: ValueType) -> bool:
    if type_.name in ("any", "image", "video", "effect"):
        return True
    return any(map(_may_be_host, (*type_.args, *(inner for _, inner in type_.fields))))


def exits(op: Op) -> frozenset[Exit]:
    """The ways in which ``op`` may leave the region it stands in, other than by ending it.

    A call never exits the caller: what fails in it is a failed value.
    """
    found: set[Exit] = set(op.spec.exits)
    for region in op.regions:
        declared = op.spec.region(region.label)
        caught = declared.catches if declared else frozenset()
        for inner in region.ops:
            found |= exits(inner) - caught
    return frozenset(found)
