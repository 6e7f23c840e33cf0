"""Bounds: how much a decode can write, from the shortest and the longest text of its constraint.

A token is a byte at least, so a text takes no more tokens than bytes: ``max_tokens`` above the
longest member is lowered to it. ``expect`` is told to the runtime, in bytes: the longest member
where the shortest is at least half of it, else the shortest, which is written in any case. So slots
are kept for what surely comes, and streams need not give way to each other in the middle.

A decode whose constraint has one member only is not a question to the model: it becomes text.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar

from sglc.compiler.ir.graph import Function, Module
from sglc.compiler.ir.op import AttrValue, Literal, Op, Region
from sglc.compiler.ir.text import write_op
from sglc.compiler.ir.traits import capture_of, decodes, draws_by_stream, is_apart
from sglc.compiler.ir.values import STREAM
from sglc.compiler.passes.base import Context, Pass
from sglc.compiler.passes.constants import as_operand
from sglc.compiler.passes.copies import Names
from sglc.compiler.passes.facts import Facts
from sglc.compiler.passes.languages import held_to
from sglc.compiler.passes.report import Saved, change, cost
from sglc.constraints.language import max_tokens_of, parse
from sglc.constraints.types import Type

MAX_ITEMS = 64  # of a list that the only member stands for


@dataclass(frozen=True)
class Bounds(Pass):
    """Hold decodes to the lengths of what they can write."""

    name: ClassVar[str] = "bounds"

    def run(self, module: Module, context: Context) -> Module:
        facts = Facts(module)
        made = {
            name: _Bounding(function, facts, context).function()
            for name, function in module.functions.items()
        }
        return replace(module, functions=made)


class _Bounding:
    """The work on one function."""

    def __init__(self, function: Function, facts: Facts, context: Context) -> None:
        self.source = function
        self.facts = facts
        self.context = context
        self.num_changes = len(context.changes)
        self.names = Names(function)
        # Behind a text that nobody asked for, decodes that count those before them go on as before.
        self.counts_calls = any(draws_by_stream(op) for _, op in facts.module.walk())

    def function(self) -> Function:
        body = self.region(self.source.body, is_main=self.context.shows(self.source))
        if len(self.context.changes) == self.num_changes:
            return self.source
        return self.source.with_body(body)

    def region(self, region: Region, *, is_main: bool) -> Region:
        made: list[Op] = []
        for op in region.ops:
            if op.regions:
                inner = is_main and not (op.spec.reads_stream or is_apart(op))
                regions = tuple(self.region(r, is_main=inner) for r in op.regions)
                made.append(op.with_(regions=regions))
            elif decodes(op):
                held = held_to(op, self.facts.module)
                made += [op] if held is None else self.decode(op, held, is_main)
            else:
                made.append(op)
        return replace(region, ops=tuple(made))

    def decode(self, op: Op, held: Type, is_main: bool) -> list[Op]:
        is_seen = bool(op.attrs.get("show")) or (is_main and capture_of(op) is not None)
        text = None if is_seen else self.only_text(op, held)
        if text is not None:
            made = self.written(op, held, text)
            if made is not None:
                saved = cost([op])._replace(ops=1 - len(made))
                self.report(op, f"the only text: {write_op(made[0])}", saved)
                return made
        found = self.limits(op, held)
        if not found:
            return [op]
        bounded = op.with_(attrs={**op.attrs, **found})
        self.report(op, ", ".join(f"{key} = {value}" for key, value in found.items()), Saved())
        return [bounded]

    def report(self, op: Op, after: str, saved: Saved) -> None:
        self.context.report(change(Bounds.name, self.source.name, [op], write_op(op), after, saved))

    # ---- the only member

    def only_text(self, op: Op, held: Type) -> str | None:
        """The only text that the decode can write, if it surely does and nothing else is asked."""
        lengths = self.context.languages.bounds(held)
        if lengths is None or lengths.min_bytes != lengths.max_bytes:
            return None
        if op.attrs.get("logprob") or not self.facts.cannot_fail(op, self.source):
            return None
        machine = self.context.languages.machine(held)
        if machine is None:
            return None
        text = machine.forced(machine.start)
        return text.decode() if machine.is_complete(machine.run(machine.start, text)) else None

    def written(self, op: Op, held: Type, text: str) -> list[Op] | None:
        """The ops that write it; None if its value does not stand in a graph."""
        try:
            value = as_operand(parse(held, text), MAX_ITEMS)
        except ValueError:  # what is checked afterwards only: it is told when the program runs
            return None
        if value is None or as_operand(text, MAX_ITEMS) is None:
            return None
        stream, result = op.results
        plain = op.with_(kwargs=(), attrs={})
        const = plain.with_(name="const", results=(result,), args=(value,))
        if not self.counts_calls:
            put = plain.with_(name="put", results=(stream,), args=(op.args[0], Literal(text)))
            return [put, const]
        said = self.names.fresh(stream.name, STREAM)
        return [
            plain.with_(name="put", results=(said,), args=(op.args[0], Literal(text))),
            plain.with_(name="child", results=(stream,), args=(said,)),
            const,
        ]

    # ---- lengths

    def limits(self, op: Op, held: Type) -> Mapping[str, AttrValue]:
        """Attributes that say more than those that are there."""
        lengths = self.context.languages.bounds(held)
        limit = op.attrs.get("max_tokens")
        if lengths is None or not isinstance(limit, int):
            return {}
        found: dict[str, AttrValue] = {}
        given = {*op.attrs, *(key for key, _ in op.kwargs)}
        if not given & {"min_tokens", "healing", "stop"}:
            most = [bound for bound in (lengths.max_bytes, max_tokens_of(held)) if bound]
            if min(most, default=limit) < limit:
                found["max_tokens"] = min(most)
        if "stop" not in given:
            shortest, longest = lengths.min_bytes, lengths.max_bytes
            is_narrow = longest is not None and longest <= 2 * shortest
            expected = longest if is_narrow else shortest
            if expected is not None and expected > 1 and op.attrs.get("expect") != expected:
                found["expect"] = expected
        return found
