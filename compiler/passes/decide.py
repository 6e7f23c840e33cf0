"""Aggregates that end as soon as they are decided: of votes, and of what has a best.

The only reader of a fork or a map may be one that does not need all of it: ``majority`` when nobody
can catch up, ``any`` and ``all`` with one value, ``best``, ``max`` and ``min`` when the most that a
type allows is there. The op is told what that reader makes of it; the runtime then stops the
branches that are still at work. What they would have written nobody reads, and they could neither
have failed nor changed anything, so the value is that of waiting.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar, NamedTuple

from sglc.compiler.ir.graph import Function, Module, rewrite
from sglc.compiler.ir.op import AttrValue, Op, Operand, Region, Value, walk
from sglc.compiler.ir.text import write_op
from sglc.compiler.ir.traits import (
    aggregate_of,
    capture_of,
    compared_by,
    field_path,
    forks_items,
    maps_items,
    num_items,
    projected,
)
from sglc.compiler.passes.base import Context, Pass
from sglc.compiler.passes.facts import Facts
from sglc.compiler.passes.origins import is_one_of_a_kind, type_of
from sglc.compiler.passes.report import Saved, change
from sglc.constraints.types import Int, Type


@dataclass(frozen=True)
class Decide(Pass):
    """Let forks and maps end once what their only reader makes of them is decided."""

    name: ClassVar[str] = "decide"

    def run(self, module: Module, context: Context) -> Module:
        facts = Facts(module)
        made = {}
        for name, function in module.functions.items():
            marking = _Marking(function, facts, context)
            body = rewrite(function.body, marking.marked) if marking.is_needed else None
            made[name] = function if body is None else function.with_body(body)
        return replace(module, functions=made)


class _Reader(NamedTuple):
    """The built-in that reads all there is of an op: ``fn`` of what stands at ``of`` in its items.

    ``picks``: it gives an item, by the key at ``of``, and not the value.
    """

    fn: str
    of: tuple[str, ...]
    picks: bool


class _Marking:
    """The work on one function."""

    def __init__(self, function: Function, facts: Facts, context: Context) -> None:
        self.function = function
        self.facts = facts
        self.context = context
        self.is_seen = context.shows(function)
        self.is_needed = any(aggregate_of(op) for op in function.walk())
        self.readers: dict[Value, list[Op]] = {}
        for op in function.walk() if self.is_needed else ():
            for value in op.inputs():
                self.readers.setdefault(value, []).append(op)

    def marked(self, op: Op) -> list[Op]:
        """Return the op, with the hint where it may have one."""
        if "until" in op.attrs or not (forks_items(op) or maps_items(op)):
            return [op]
        reader = self.reader(op.result)
        hint = None if reader is None else self.hint(op, reader)
        if hint is None or not self.pays(op) or self.has_captures(op):
            return [op]
        if not self.may_stop(op.regions[0], is_caught=False):
            return [op]
        made = op.with_(attrs={**op.attrs, **hint})
        calls = sum(map(self.facts.is_slow, walk(op.regions[0].ops)))
        others = (self.num_elements(op) or 2) - 1
        after = f"ends once {made.attrs['until']} is decided"
        self.context.report(
            change(Decide.name, self.function.name, [op], write_op(op), after,
                   Saved(stopped=calls * others))
        )  # fmt: skip
        return [made]

    def reader(self, value: Value) -> _Reader | None:
        """Return what the only reader of a group or a list is, if it is a built-in."""
        of: list[str] = []
        while True:
            readers = self.readers.get(value, [])
            if len(readers) != 1:
                return None
            (op,) = readers
            name, fn = projected(op), aggregate_of(op)
            if fn is not None:
                by = field_path(op)
                return _Reader(fn, (*of, *by), bool(by))
            if name is None:
                return None
            of.append(name)
            value = op.result

    def hint(self, op: Op, reader: _Reader) -> dict[str, AttrValue] | None:
        """Return the attributes that tell when nothing more is waited for; None if never."""
        made: dict[str, AttrValue] = {"of": reader.of} if reader.of else {}
        if reader.fn in ("any", "all"):
            return {"until": reader.fn, **made}
        type_ = self.type_of_element(op, reader.of)
        if type_ is None:
            return None
        if reader.fn == "majority":
            return {"until": "majority", **made} if is_one_of_a_kind(type_) else None
        goal = None
        if isinstance(type_, Int):
            goal = type_.lo if reader.fn == "min" else type_.hi
        until = "first_goal" if reader.picks else "goal"
        return None if goal is None else {"until": until, **made, "goal": goal}

    def type_of_element(self, op: Op, path: tuple[str, ...]) -> Type | None:
        end = op.regions[0].terminator
        if maps_items(op):
            return self.type_of(end.args[0], path)
        given = dict(end.kwargs).get(path[0]) if path else None
        return None if given is None else self.type_of(given, path[1:])

    def pays(self, op: Op) -> bool:
        """Whether an element takes time, and there may be two of them."""
        count = self.num_elements(op)
        return (count is None or count > 1) and any(
            map(self.facts.is_slow, walk(op.regions[0].ops))
        )

    def has_captures(self, op: Op) -> bool:
        """Whether named outputs in it are looked at: those of a ``map`` count for its prompt."""
        is_map = self.is_seen and not op.spec.reads_stream
        return is_map and any(map(capture_of, walk(op.regions[0].ops)))

    def num_elements(self, op: Op) -> int | None:
        items = op.args[1 if op.spec.reads_stream else 0]
        if isinstance(items, tuple):
            return len(items)
        made = self.facts.definitions(self.function).ops.get(items)  # type: ignore[arg-type]
        return None if made is None else num_items(made)

    def may_stop(self, region: Region, *, is_caught: bool) -> bool:
        """Whether nobody misses a region that was stopped: nothing in it fails, or is seen."""
        return all(self._is_missed_by_nobody(op, is_caught) for op in region.ops)

    def _is_missed_by_nobody(self, op: Op, is_caught: bool) -> bool:
        spec, facts = op.spec, self.facts
        if op.has_effect or op.attrs.get("show"):
            return False
        if spec.calls and facts.shows_text(op.symbol or ""):
            return False
        if spec.host and facts.module.tools[op.symbol or ""].effect == "effectful":
            return False
        if not (is_caught or self._is_sure(op)):
            return False
        for inner in op.regions:
            declared = spec.region(inner.label)
            catches = declared is not None and "failure" in declared.catches
            if not self.may_stop(inner, is_caught=is_caught or catches):
                return False
        return True

    def _is_sure(self, op: Op) -> bool:
        """Whether an op itself, its regions aside, does not fail."""
        spec, name = op.spec, projected(op)
        if "failure" in spec.exits:
            return False
        if spec.terminator or spec.exits or spec.hint:
            return True
        if name is not None and self.type_of(op.args[0], (name,)) is not None:
            return True
        how = compared_by(op)
        if how is not None and all(isinstance(self.type_of(arg), Int) for arg in op.args):
            return True
        return how in ("==", "!=") or self.facts.cannot_fail(op, self.function)

    def type_of(self, operand: Operand, path: Sequence[str] = ()) -> Type | None:
        return type_of(operand, path, self.function, self.facts)
