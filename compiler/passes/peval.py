"""Partial evaluation: what is known of a run when it is compiled is not left to be found out.

Loops, forks and maps over known lists become the ops of their turns, calls the ops of what they
run, and parts of lists, records and branches the values they were made of. ``fold`` then takes
the arms that the constants choose, ``gvn`` merges what has become equal.

Everything stands under the path it had, so samples, events and captures are those of before. What
grows the module does so up to ``max_ops``; what makes it smaller is always done.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar, Final

from sglc.compiler.ir.graph import Function, Module
from sglc.compiler.ir.op import Literal, Op, Operand, Region, Value, walk
from sglc.compiler.ir.text import write_op, write_operand
from sglc.compiler.ir.traits import (
    counts_items,
    gathers,
    makes_branch,
    picks_item,
    projected,
    takes_item,
)
from sglc.compiler.ir.values import ANY
from sglc.compiler.passes.base import Context, Pass
from sglc.compiler.passes.callgraph import callees_first, reachable
from sglc.compiler.passes.copies import Names, rename
from sglc.compiler.passes.inline import arguments, inline, may_open
from sglc.compiler.passes.nesting import depth
from sglc.compiler.passes.parts import Parts
from sglc.compiler.passes.report import Saved, change
from sglc.compiler.passes.specialise import (
    KNOWN,
    OF,
    as_text,
    call_of,
    deciding,
    specialised,
    with_arguments,
)
from sglc.compiler.passes.unroll import may_unroll, turns, unroll

MAX_ITEMS: Final = 4096
MAX_OPS: Final = 100_000
_MAX_ROUNDS: Final = 16
_MAX_COPIES: Final = 8  # of one function, for different constants
_MAX_DEPTH: Final = 32  # of choices in one another, where turns lie in arms of those before
_SMALL: Final = 16  # ops of an fn that is written out wherever it is called


@dataclass(frozen=True)
class PartialEvaluation(Pass):
    """Unroll, inline, take values apart.

    ``max_items``: of a list that is gone through turn by turn. ``max_ops``: of a module that grows.
    """

    name: ClassVar[str] = "peval"
    max_items: int = 64
    max_ops: int = 4096

    def __post_init__(self) -> None:
        if not 0 <= self.max_items <= MAX_ITEMS:
            raise ValueError(f"max_items is from 0 to {MAX_ITEMS}, not {self.max_items}")
        if not 0 <= self.max_ops <= MAX_OPS:
            raise ValueError(f"max_ops is from 0 to {MAX_OPS}, not {self.max_ops}")

    def run(self, module: Module, context: Context) -> Module:
        rounds = _Round(module, context, self)
        made = rounds.module(frozenset(module.functions))
        for _ in range(_MAX_ROUNDS):
            if made is rounds.source:
                break
            before, rounds = rounds, _Round(made, context, self)
            made = rounds.module(rounds.to_do_behind(before))
        return made


class _Round:
    """Every function once, those it calls before it.

    ``is_full`` says that something was not done because the module would have become too large.
    """

    def __init__(self, module: Module, context: Context, options: PartialEvaluation) -> None:
        self.source = module
        self.context = context
        self.options = options
        self.functions = dict(module.functions)
        self.num_calls = Counter(op.symbol for _, op in module.walk() if op.spec.calls)
        self.sizes = {name: _size(f.body) for name, f in module.functions.items()}
        self.size = sum(self.sizes.values())
        self.may_open: dict[str, bool] = {}
        self.is_full = False
        self._deciding: dict[str, frozenset[str]] = {}
        self._undecided: list[str] = []  # functions that are done, those they call before them
        self.copies = {
            (function.attrs[OF], function.attrs[KNOWN]): name
            for name, function in module.functions.items()
            if OF in function.attrs
        }
        self.num_copies = Counter(of for of, _ in self.copies)

    def to_do_behind(self, before: _Round) -> frozenset[str]:
        """Return the functions in which there may be more to do than in the round before: what has
        changed, and what calls that. All, if what was too much before could be done now."""
        if before.is_full and self.size < before.size:
            return frozenset(self.functions)
        changed = {
            name
            for name, function in self.functions.items()
            if before.source.functions.get(name) is not function
            or self.num_calls[name] != before.num_calls[name]
        }
        callers = {f.name for f, op in self.source.walk() if op.spec.calls and op.symbol in changed}
        return frozenset(changed | callers)

    def module(self, to_do: Collection[str]) -> Module:
        """Return the module with the work on some functions done; itself if nothing changes."""
        num_changes = len(self.context.changes)
        self.take_arguments()
        order, others = callees_first(self.source)
        for name in order:
            self.may_open[name] = may_open(self.evaluated(name, to_do))
            self._undecided.append(name)
        for name in others:
            self.evaluated(name, to_do)
        made = self.with_used(replace(self.source, functions=self.functions))
        return made if len(self.context.changes) > num_changes else self.source

    def evaluated(self, name: str, to_do: Collection[str]) -> Function:
        function = self.functions[name]
        if name in to_do:
            function = self.functions[name] = _Evaluation(function, self).function()
            self.sizes[name] = _size(function.body)
        return function

    def deciding(self, name: str) -> frozenset[str]:
        """Return the parameters of a function that decide something, if it is done."""
        for other in self._undecided:
            self._deciding[other] = deciding(self.functions[other], self._deciding, self.functions)
        self._undecided.clear()
        return self._deciding.get(name, frozenset())

    def with_used(self, module: Module) -> Module:
        """Drop the functions that no run comes to."""
        own = (name for name, function in module.functions.items() if OF not in function.attrs)
        roots = self.context.roots
        used = reachable(module, frozenset(own) if roots is None else roots)
        for name, function in module.functions.items():
            if name not in used:
                saved = Saved(sum(1 for _ in function.walk()))
                head = f"{function.kind} @{name}"
                self.report(name, [], head, "never called", saved)
        kept = {name: f for name, f in module.functions.items() if name in used}
        return replace(module, functions=kept)

    def take_arguments(self) -> None:
        """Let the only root read the arguments that are known as constants."""
        if not self.context.known or self.context.roots is None or len(self.context.roots) != 1:
            return
        (name,) = self.context.roots
        function = self.functions[name]
        made = with_arguments(function, self.context.known)
        if made is not function:
            self.functions[name] = made
            head, known = f"prompt @{name}", ", ".join(sorted(self.context.known))
            self.report(name, [], head, f"{known}: known", Saved())

    def copy_of(self, name: str, known: Mapping[str, Operand]) -> str | None:
        """Return the name of a copy of a function for constants; None if there is no room."""
        key = name, as_text(known)
        if key in self.copies:
            return self.copies[key]
        function = self.functions[name]
        growth = self.sizes[name] + len(known)
        if self.num_copies[name] >= _MAX_COPIES or not self.fits(growth):
            return None
        number = 1 + len(self.copies)
        while f"{name}.{number}" in self.functions:
            number += 1
        made = self.copies[key] = f"{name}.{number}"
        self.functions[made] = specialised(function, made, known)
        self.sizes[made] = growth
        self.num_copies[name] += 1
        self.size += growth
        return made

    def report(self, function: str, ops: list[Op], before: str, after: str, saved: Saved) -> None:
        record = change(PartialEvaluation.name, function, ops, before, after, saved)
        self.context.report(record)

    def fits(self, growth: int) -> bool:
        """Whether the module may grow by a number of ops."""
        fits = growth <= 0 or self.size + growth <= self.options.max_ops
        self.is_full |= not fits
        return fits

    def is_only_call(self, name: str) -> bool:
        """Whether a function is called once and never run, so that it goes with the call."""
        roots = self.context.roots
        return roots is not None and name not in roots and self.num_calls[name] == 1


class _Evaluation:
    """The work on one function. ``renamed`` maps results of ops that are gone to what they were."""

    def __init__(self, function: Function, around: _Round) -> None:
        self.source = function
        self.around = around
        self.names = Names(function)
        self.parts = Parts(around.source, around.context, around.options.max_items)
        self.renamed: dict[Value, Operand] = {}
        self.num_arms = 0  # around the op that is looked at
        self.num_changes = len(around.context.changes)

    def function(self) -> Function:
        body = self.region(self.source.body)
        if len(self.around.context.changes) == self.num_changes:
            return self.source
        return self.source.with_body(body)

    def region(self, region: Region) -> Region:
        kept: list[Op] = []
        todo = list(reversed(region.ops))
        while todo:
            op = self.reading(todo.pop())
            made = self.step(op)
            if made is not None:
                todo += reversed(made)
                continue
            if op.regions:
                op = self.inner(op)
            self.parts.note(op)
            kept.append(op)
        same = len(kept) == len(region.ops)
        if same and all(a is b for a, b in zip(kept, region.ops, strict=True)):
            return region
        return replace(region, ops=tuple(kept))

    def inner(self, op: Op) -> Op:
        arms = not op.spec.loop and not any(region.barrier for region in op.spec.regions)
        self.num_arms += arms
        inner = tuple(map(self.region, op.regions))
        self.num_arms -= arms
        changed = any(a is not b for a, b in zip(inner, op.regions, strict=True))
        return op.with_(regions=inner) if changed else op

    def reading(self, op: Op) -> Op:
        """Return the op with values that are gone replaced."""
        if not self.renamed:
            return op
        args = tuple(map(self.resolved, op.args))
        kwargs = tuple((key, self.resolved(arg)) for key, arg in op.kwargs)
        return op if args == op.args and kwargs == op.kwargs else op.with_(args=args, kwargs=kwargs)

    def resolved(self, operand: Operand) -> Operand:
        """Follow a value to what stands for it, which may be gone itself."""
        while isinstance(operand, Value) and operand in self.renamed:
            operand = self.renamed[operand]
        return tuple(map(self.resolved, operand)) if isinstance(operand, tuple) else operand

    def step(self, op: Op) -> list[Op] | None:
        """Return the ops that take the place of ``op``; None if it stays."""
        if op.spec.terminator:
            return None
        if op.spec.calls:
            return self.call(op)
        return self.turns(op) if op.regions else self.part(op)

    def replaced(self, op: Op, ops: list[Op], results: Sequence[Operand], after: str) -> list[Op]:
        """Let ``ops`` take the place of ``op``, whose results they may define themselves."""
        made = [*ops, *rename(op, results, self.renamed)]
        growth = sum(1 for _ in walk(made)) - sum(1 for _ in walk([op]))
        self.around.size += growth
        self.around.report(self.source.name, [op], write_op(op), after, Saved(ops=-growth))
        return made

    # ---- turns and calls

    def turns(self, op: Op) -> list[Op] | None:
        at = turns(op)
        if at is None or not may_unroll(op):
            return None
        items = () if at < 0 else self.parts.items(op.args[at])
        count = len(op.regions) if at < 0 else len(items or ())
        if items is None or count > self.around.options.max_items:
            return None
        if op.spec.loop and self.num_arms + (depth(op, count) or 0) > _MAX_DEPTH:
            return None
        body = sum(map(_size, op.regions))
        if not self.around.fits((body if at < 0 else count * body) + 2 * count - body):
            return None
        made = unroll(op, items, self.names)
        return self.replaced(op, made.ops, made.results, _count(count, "turn"))

    def call(self, op: Op) -> list[Op] | None:
        return self.inlined(op) or self.specialised(op)

    def specialised(self, op: Op) -> list[Op] | None:
        """Call a copy for the constants that are given and decide something."""
        name = op.symbol or ""
        callee = self.around.functions[name]
        given = arguments(op, callee) or {}
        constants = {key: self.parts.constant(operand) for key, operand in given.items()}
        if all(value is None for value in constants.values()):
            return None
        deciding = self.around.deciding(name)
        known = {
            key: value for key, value in constants.items() if value is not None and key in deciding
        }
        copy = self.around.copy_of(name, known) if known else None
        if copy is None:
            return None
        made = call_of(op, copy, callee, known)
        return self.replaced(op, [made], op.results, write_op(made))

    def inlined(self, op: Op) -> list[Op] | None:
        name = op.symbol or ""
        if op.has_effect or not self.around.may_open.get(name):
            return None
        callee = self.around.functions[name]
        if self.num_arms and callee.kind == "prompt" and not op.spec.writes_stream:
            return None  # a call may be moved out of its arm, ops on a stream may not
        given = arguments(op, callee)
        if given is None:
            return None
        size = self.around.sizes[name]
        if self.around.is_only_call(name):
            self.around.num_calls[name] = 0
        elif (callee.kind == "fn" and size > _SMALL) or not self.around.fits(size + len(given)):
            return None
        made = inline(op, callee, given, self.names)
        return self.replaced(op, made.ops, made.results, f"what @{name} does")

    # ---- parts of values

    def part(self, op: Op) -> list[Op] | None:
        name = projected(op)
        if name is not None:
            return self.field(op, name)
        if counts_items(op):
            items = self.parts.items(op.args[0])
            return None if items is None else self.is_now(op, Literal(len(items)))
        return self.item(op) if takes_item(op) else None

    def is_now(self, op: Op, operand: Operand) -> list[Op]:
        """Let ``operand`` be the only result of ``op``."""
        return self.replaced(op, [], [operand], write_operand(operand))

    def item(self, op: Op) -> list[Op] | None:
        whole, index = map(self.parts.operand, op.args)
        items = self.parts.items(whole)
        if items is None or not isinstance(index, Literal) or type(index.value) is not int:
            return None
        made = self.parts.made(whole)
        if picks_item(op) and (made is None or not gathers(made)):
            return None  # it fails unless the item is a branch
        if not -len(items) <= index.value < len(items):
            return None
        return self.is_now(op, items[index.value])

    def field(self, op: Op, name: str) -> list[Op] | None:
        whole = self.parts.made(op.args[0])
        if whole is None:
            return None
        found = self.parts.field(whole, name)
        if found is not None:
            return self.is_now(op, found)
        if makes_branch(whole) and name == "text":
            made = Op(name="slice", results=op.results, args=whole.args, span=op.span)
            return self.replaced(op, [made], op.results, write_op(made))
        if not gathers(whole):
            return None
        type_ = op.result.type.args[0] if op.result.type.args else ANY
        hint = name if name.isidentifier() else "field"
        values = [self.names.fresh(hint, type_) for _ in whole.args]
        ops = [
            op.with_(results=(value,), args=(branch,))
            for value, branch in zip(values, whole.args, strict=True)
        ]
        ops.append(Op(name="list", results=op.results, args=tuple(values), span=op.span))
        return self.replaced(op, ops, op.results, write_op(ops[-1]))


def _size(region: Region) -> int:
    """The number of ops of a region, those in it included."""
    return sum(1 for _ in walk(region.ops))


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
