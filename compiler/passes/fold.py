"""Constant folding: what is known when a program is compiled is not left to its runs.

Host arithmetic and functions are evaluated on constants; an arm whose condition is known takes the
place of its op; a check that holds and a loop without turns go; constant texts that follow one
another become one. An op that fails on its constants stays: it fails when, and if, it is run. Where
the model is known and nobody looks at messages, roles become what its template writes (``roles``).

The value of a folded op keeps its name and its type (``const``), for what is known of a value must
not make an op that reads it ill-typed. Texts merge when nothing else reads the version between
them and nothing between them can fail, so that every version that can be seen says the same.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from sglc.compiler.ir.graph import Function, Module
from sglc.compiler.ir.op import AttrValue, Literal, Op, Operand, Region, Value
from sglc.compiler.ir.spec import is_total
from sglc.compiler.ir.text import write_op, write_operand
from sglc.compiler.ir.traits import (
    appends_text,
    chosen_region,
    has_own_exit,
    is_passed,
    markup_of,
    may_be_entry,
    places,
    runs_no_turn,
)
from sglc.compiler.ir.values import EFFECT, STREAM
from sglc.compiler.passes.arms import chosen_values
from sglc.compiler.passes.base import Context, Pass
from sglc.compiler.passes.constants import Known, Unknown, as_operand, result_of
from sglc.compiler.passes.facts import Facts
from sglc.compiler.passes.report import Saved, change, cost
from sglc.compiler.passes.roles import render_roles
from sglc.compiler.plan.data import DataError, format_value

MAX_ITEMS = 4096


@dataclass(frozen=True)
class Fold(Pass):
    """Evaluate constants, take the arms they choose, merge constant texts.

    ``max_items``: of a list that is written into the graph, those of lists in it included.
    """

    name: ClassVar[str] = "fold"
    max_items: int = 64

    def __post_init__(self) -> None:
        if not 0 <= self.max_items <= MAX_ITEMS:
            raise ValueError(f"max_items is from 0 to {MAX_ITEMS}, not {self.max_items}")

    def run(self, module: Module, context: Context) -> Module:
        facts = Facts(module)
        made = {
            name: _Folding(function, facts, context, self.max_items).function()
            for name, function in module.functions.items()
        }
        return replace(module, functions=made)


class _Folding:
    """The work on one function. ``renamed`` maps results of ops that are gone to what they were."""

    def __init__(self, function: Function, facts: Facts, context: Context, max_items: int) -> None:
        self.max_items = max_items
        self.source = function
        self.facts = facts
        self.context = context
        self.known = Known()
        self.renamed: dict[Value, Operand] = {}
        self.entry = function.entry_stream
        self.num_changes = len(context.changes)

    def function(self) -> Function:
        folded = self.source.with_body(self.region(self.source.body))
        rendered = render_roles(folded, self.facts, self.context, Fold.name)
        uses = Counter(value for op in rendered.walk() for value in op.inputs())
        body = self.merge_texts(rendered.body, uses)
        if len(self.context.changes) == self.num_changes:
            return self.source
        return self.source.with_body(body)

    def report(self, ops: Sequence[Op], before: str, after: str, saved: Saved) -> None:
        self.context.report(change(Fold.name, self.source.name, ops, before, after, saved))

    # ---- evaluation

    def region(self, region: Region) -> Region:
        kept: list[Op] = []
        todo = list(reversed(region.ops))
        while todo:
            op = self.reading(todo.pop())
            kept_before = len(kept)
            if not self.fold(op, kept, todo):
                inner = tuple(map(self.region, op.regions))
                changed = any(a is not b for a, b in zip(inner, op.regions, strict=True))
                op = op.with_(regions=inner) if changed else op
                if not self.choose(op, kept):
                    kept.append(op)
            if len(kept) > kept_before and kept[-1].spec.terminator:
                break  # what followed in the region was never reached
        if len(kept) == len(region.ops) and all(map(_is, kept, region.ops)):
            return region
        return replace(region, ops=tuple(kept))

    def reading(self, op: Op) -> Op:
        """Return the op with values that are gone replaced."""
        if not self.renamed:
            return op
        return op.with_(
            args=tuple(map(self.resolved, op.args)),
            kwargs=tuple((key, self.resolved(arg)) for key, arg in op.kwargs),
        )

    def resolved(self, operand: Operand) -> Operand:
        """Follow a value to what stands for it, which may be gone itself."""
        while isinstance(operand, Value) and operand in self.renamed:
            operand = self.renamed[operand]
        return tuple(map(self.resolved, operand)) if isinstance(operand, tuple) else operand

    def fold(self, op: Op, kept: list[Op], todo: list[Op]) -> bool:
        """Fold one op: append what is left of it, or push it onto ``todo``; False if nothing is."""
        if op.spec.terminator:
            return False
        try:
            first = self.known.first(op)
        except Unknown:
            return self.evaluate(op, kept) or self.with_constants(op, kept)
        if is_passed(op, first):
            self.report([op], write_op(op), "it holds", cost([op]))
            return True
        if op.regions and runs_no_turn(op, first):
            self.report([op], write_op(op), "no turn", cost([op]))
            made: list[Op] = []
            self.rename(op, op.args[1:], made)
            todo += reversed(made)
            return True
        region = chosen_region(op, first) if op.regions else None
        if region is not None and self.may_inline(region, todo):
            self.inline(op, region, kept, todo)
            return True
        return self.evaluate(op, kept) or self.with_constants(op, kept)

    def evaluate(self, op: Op, kept: list[Op]) -> bool:
        """Replace an op by its value, if that is known and can be written."""
        try:
            value = result_of(op, self.known, self.facts.module, self.context)
        except Unknown:
            return False
        self.known.values[op.result] = value
        written = as_operand(value, self.max_items)
        if written is None or op.args == (written,):
            return False
        constant = Op(
            name="const", results=op.results, args=(written,), span=op.span, origins=op.origins
        )
        saved = cost([op])
        saved = saved._replace(ops=saved.ops - 1)
        self.report([op], write_op(op), write_operand(written), saved)
        kept.append(constant)
        return True

    def with_constants(self, op: Op, kept: list[Op]) -> bool:
        """Write known options of a decode and known texts into the op, which stays."""
        changed = op
        if appends_text(op):
            changed = self.constant_text(op)
        elif op.spec.model:
            changed = self.constant_options(op)
        if changed is op:
            return False
        self.report([op], write_op(op), write_op(changed), Saved())
        kept.append(changed)
        return True

    def constant_text(self, op: Op) -> Op:
        stream, operand = op.args
        if not isinstance(operand, Value):
            return op
        try:
            text = format_value(self.known.value(operand))
        except (Unknown, DataError):
            return op
        written = as_operand(text, self.max_items)
        return op if written is None else op.with_(args=(stream, written))

    def constant_options(self, op: Op) -> Op:
        args = tuple(map(self.constant_operand, op.args))
        attrs: dict[str, AttrValue] = dict(op.attrs)
        kwargs: list[tuple[str, Operand]] = []
        for key, operand in op.kwargs:
            constant = self.constant_operand(operand)
            value = _attribute(constant)
            if key in op.spec.attrs and _fits(op.spec.attrs[key], value):
                attrs[key] = value
            else:
                kwargs.append((key, constant))
        if args == op.args and tuple(kwargs) == op.kwargs:
            return op
        return op.with_(args=args, kwargs=tuple(kwargs), attrs=attrs)

    def constant_operand(self, operand: Operand) -> Operand:
        if isinstance(operand, Value):
            try:
                return as_operand(self.known.value(operand), self.max_items) or operand
            except Unknown:
                return operand
        if isinstance(operand, tuple):
            return tuple(map(self.constant_operand, operand))
        return operand

    # ---- arms

    def choose(self, op: Op, kept: list[Op]) -> bool:
        """Replace a choice by its values, if these are known whichever arm is taken."""
        values = chosen_values(op, self.known, self.max_items)
        if values is None:
            return False
        for result, value in zip(op.results, values, strict=True):
            with suppress(Unknown):
                self.known.values[result] = self.known.value(value)
        self.report([op], write_op(op), ", ".join(map(write_operand, values)), cost([op]))
        self.rename(op, values, kept)
        return True

    def may_inline(self, region: Region, todo: list[Op]) -> bool:
        """Whether the ops of a region may stand where its op does, before those of ``todo``."""
        if any(map(may_be_entry, region.ops)):
            return False  # the first stream of a prompt is its entry: none may come before it
        return not region.terminator.spec.exits or not has_own_exit(Region(ops=tuple(todo)))

    def inline(self, op: Op, region: Region, kept: list[Op], todo: list[Op]) -> None:
        """Let the ops of ``region`` take the place of ``op``."""
        end = region.terminator
        gone = [inner for other in op.regions if other is not region for inner in other.ops]
        saved = cost(gone)
        self.report(
            [op], write_op(op), " ".join(filter(None, (region.label, *map(_case, region.case)))),
            saved._replace(ops=saved.ops + 1),
        )  # fmt: skip
        if end.spec.exits:
            todo[:] = reversed(region.ops)
            return
        made: list[Op] = []
        self.rename(op, end.args, made)
        todo += reversed((*region.ops[:-1], *made))

    def rename(self, op: Op, operands: Sequence[Operand], made: list[Op]) -> None:
        """Let ``operands`` be the results of ``op``, which is gone.

        Where another type or a constant stands for a result, a ``const`` keeps name and type.
        """
        for value, operand in zip(op.results, operands, strict=True):
            exact = isinstance(operand, Value) and operand.type == value.type
            if exact or value.type in (STREAM, EFFECT):
                self.renamed[value] = operand
            else:
                made.append(
                    Op(name="const", results=(value,), args=(operand,), span=op.span,
                       origins=op.origins)
                )  # fmt: skip

    # ---- texts

    def merge_texts(self, region: Region, uses: Counter[Value]) -> Region:
        """Merge constant texts of a region, and of those inside it."""
        kept: list[Op | None] = []
        before: dict[Value, int] = {}  # a version that a constant text ends with: its op in `kept`
        for op in region.ops:
            if op.regions:
                op = op.with_(regions=tuple(self.merge_texts(r, uses) for r in op.regions))
            parts = _constant_parts(op)
            if not parts:
                if not is_total(op):
                    before.clear()
                kept.append(op)
                continue
            stream = op.args[0]
            at = before.pop(stream, None) if isinstance(stream, Value) else None
            first = None if at is None else kept[at]
            if at is not None and first is not None and uses[first.result] == 1:
                op = self.merged(first, op, parts)
                kept[at] = None
            before[op.result] = len(kept)
            kept.append(op)
        return replace(region, ops=tuple(op for op in kept if op is not None))

    def merged(self, first: Op, second: Op, parts: tuple[str, ...]) -> Op:
        before = _constant_parts(first)
        parts = (*before[:-1], before[-1] + parts[0], *parts[1:])
        found = dict.fromkeys((*places(first), *places(second)))
        # one text alone is markup only where both are: a template may have no special tokens
        kind = next(
            (op for op in (second, first) if bool(markup_of(op)) == (len(parts) > 1)), second
        )
        said = tuple(map(Literal, parts)) if markup_of(kind) else Literal(parts[0])
        made = kind.with_(
            results=second.results,
            args=(first.args[0], said),
            span=first.span,
            origins=tuple(found),
        )
        self.report(
            [first, second], f"{write_op(first)}; {write_op(second)}", write_op(made), Saved(ops=1)
        )
        return made


def _is(a: object, b: object) -> bool:
    return a is b


def _constant_parts(op: Op) -> tuple[str, ...]:
    """The texts and special tokens in turn that an op appends to a stream, if they are constant."""
    if op.regions or not appends_text(op):
        return markup_of(op)
    operand = op.args[1]
    return (format_value(operand.value),) if isinstance(operand, Literal) else ()


def _case(value: Any) -> str:
    return write_operand(value)


def _attribute(operand: Operand) -> AttrValue:
    """A constant operand as the value of an attribute; None if it is none."""
    if isinstance(operand, Literal):
        return operand.value
    if isinstance(operand, tuple):
        items = tuple(map(_attribute, operand))
        return None if None in items else items
    return None


def _fits(kind: str, value: AttrValue) -> bool:
    """Whether a constant may be this attribute of a decode; what may not stays an operand."""
    number = isinstance(value, int | float) and not isinstance(value, bool)
    match kind:
        case "int":
            return number and isinstance(value, int) and value >= 1
        case "number":
            return number
        case "bool":
            return isinstance(value, bool)
        case "strs":
            return isinstance(value, tuple) and all(isinstance(item, str) for item in value)
    return False
