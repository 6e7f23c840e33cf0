"""Global value numbering: what is equal is done once.

Two ops of one name with equal operands and attributes give equal results when they are repeatable:
host arithmetic, versions of streams, greedy decodes, selects, tools that change nothing, calls of
functions made of these. The later op goes and its results are those of the earlier one, which
stands in the same region or in one around it, so it has run whenever the later one would have.

Decodes that draw random numbers never merge: each has a site of its own. Where the named outputs
of a prompt can be seen, one merges only with the one other of its name. Ops with regions are left
as they are.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable
from dataclasses import dataclass, replace
from typing import ClassVar, Final

from sglc.compiler.ir.graph import Function, Module
from sglc.compiler.ir.op import Op, Operand, Region, Value, substitute
from sglc.compiler.ir.text import write_op
from sglc.compiler.ir.traits import capture_of, is_apart, makes_branch, places, starts_stream
from sglc.compiler.passes.base import Context, Pass
from sglc.compiler.passes.facts import Facts
from sglc.compiler.passes.report import change, cost

Table = dict[Hashable, Op]
_BESIDE: Final = frozenset({"name", "rng", "path", "fresh", "once"})
"""Attributes that say where an op stands and what its value is called, and not what it is."""


@dataclass(frozen=True)
class ValueNumbering(Pass):
    """Merge equal ops."""

    name: ClassVar[str] = "gvn"

    def run(self, module: Module, context: Context) -> Module:
        facts = Facts(module)
        made = {
            name: _Numbering(function, facts, context).function()
            for name, function in module.functions.items()
        }
        return replace(module, functions=made)


class _Numbering:
    """The work on one function."""

    def __init__(self, function: Function, facts: Facts, context: Context) -> None:
        self.source = function
        self.facts = facts
        self.context = context
        self.entered: list[Hashable] = []  # the keys of the table, in the order they came
        self.merged: dict[Value, Operand] = {}
        self.same: dict[Value, Operand] = {}
        self.gone: dict[Value, list[Op]] = {}
        self.entry = function.entry_stream
        self.names = Counter(map(capture_of, function.walk()))

    def function(self) -> Function:
        body = self.region(self.source.body, {}, is_main=self.context.shows(self.source))
        if not self.merged:
            return self.source
        return self.source.with_body(self.with_places(body))

    def region(self, region: Region, table: Table, *, is_main: bool) -> Region:
        """Number the ops of a region; ``table`` knows those around it."""
        kept: list[Op] = []
        for given in region.ops:
            op = self.renamed(given)
            if op.regions:
                kept.append(self.inner(op, table, is_main))
                continue
            earlier = self.find(op, table, is_main)
            if earlier is None:
                kept.append(op)
                continue
            self.merged.update(zip(op.results, earlier.results, strict=True))
            self.gone.setdefault(earlier.results[0], []).append(op)
            self.context.report(
                change(
                    ValueNumbering.name, self.source.name, [op], write_op(op),
                    ", ".join(map(str, earlier.results)), cost([op]),
                )
            )  # fmt: skip
        return replace(region, ops=tuple(kept))

    def inner(self, op: Op, table: Table, is_main: bool) -> Op:
        regions = []
        for region in op.regions:
            if op.spec.reads_stream:  # the branches of a fork begin with the version forked
                self.same[region.params[0]] = substitute(op.args[0], self.same)
            main = is_main and not (op.spec.reads_stream or is_apart(op))
            before = len(self.entered)
            regions.append(self.region(region, table, is_main=main))
            for key in self.entered[before:]:  # nothing in the region is seen from outside
                del table[key]
            del self.entered[before:]
        return op.with_(regions=tuple(regions))

    def find(self, op: Op, table: Table, is_main: bool) -> Op | None:
        """Return the earlier op that ``op`` equals, or None after it has been entered."""
        if not op.results or not self.facts.is_repeatable(op):
            return None
        if starts_stream(op) and op.result == self.entry:
            return None  # where the prompt is included, it is the caller's stream
        key = self.key(op)
        earlier = table.get(key)
        if earlier is None:
            table[key] = op
            self.entered.append(key)
            return None
        name = capture_of(op)
        if name is None or not is_main:
            return earlier
        return earlier if capture_of(earlier) == name and self.names[name] == 2 else None

    def key(self, op: Op) -> Hashable:
        beside = _BESIDE if op.spec.site else _BESIDE - {"rng"}
        if not (op.spec.model or makes_branch(op)):
            beside -= {"name"}
        attrs = tuple(sorted((k, repr(v)) for k, v in op.attrs.items() if k not in beside))
        args = tuple(substitute(arg, self.same) for arg in op.args)
        kwargs = tuple((key, substitute(arg, self.same)) for key, arg in op.kwargs)
        return op.name, args, kwargs, attrs, tuple(value.type for value in op.results)

    def renamed(self, op: Op) -> Op:
        return op.with_(
            args=tuple(substitute(arg, self.merged) for arg in op.args),
            kwargs=tuple((key, substitute(arg, self.merged)) for key, arg in op.kwargs),
        )

    def with_places(self, region: Region) -> Region:
        """Give the ops that stand for others the places of those."""
        return replace(region, ops=tuple(map(self._with_places, region.ops)))

    def _with_places(self, op: Op) -> Op:
        others = self.gone.get(op.results[0], ()) if op.results else ()
        if others:
            found = dict.fromkeys(place for one in (op, *others) for place in places(one))
            op = op.with_(origins=tuple(found))
        if op.regions:
            op = op.with_(regions=tuple(map(self.with_places, op.regions)))
        return op
