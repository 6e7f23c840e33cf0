"""Fields that nobody reads: a decode of a record ends behind the last one that somebody does.

A record is written field by field. Where the text of a decode is read by nobody and of its value
only some fields are, in its own function or by those who call that, what stands behind the last of
them need not be written. The tokens before are those that would have been written, as the same ones
are allowed. Named outputs that are looked at, shown texts, and types of which something is checked
once they are complete stay whole.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import ClassVar

from sglc.compiler.ir.graph import Function, Module, rewrite
from sglc.compiler.ir.op import Op, Symbol, Value
from sglc.compiler.ir.text import write_op
from sglc.compiler.passes.base import Context, Pass
from sglc.compiler.passes.facts import Facts
from sglc.compiler.passes.liveness import Liveness
from sglc.compiler.passes.report import Saved, change
from sglc.constraints.checks import has_checks
from sglc.constraints.types import Record


@dataclass(frozen=True)
class Fields(Pass):
    """End decodes of records behind the last field that is read."""

    name: ClassVar[str] = "fields"

    def run(self, module: Module, context: Context) -> Module:
        if not any(isinstance(t, Record) for t in module.constraints.values()):
            return module
        read = _Reading(module, context)
        made = {name: read.rewritten(function) for name, function in module.functions.items()}
        return replace(module, functions=made)


class _Reading:
    """Which fields are read, of what each function gives and in it."""

    def __init__(self, module: Module, context: Context) -> None:
        self.module = module
        self.context = context
        self.facts = Facts(module)
        self.alive: dict[str, Liveness] = {}
        self.of_results: dict[str, frozenset[str] | None] = {}
        self.sites: dict[str, list[tuple[str, Op]]] = {}
        for function, op in module.walk():
            if op.spec.calls:
                self.sites.setdefault(op.symbol or "", []).append((function.name, op))

    def liveness(self, name: str) -> Liveness:
        """Return what is needed in a function, callers first."""
        if name not in self.alive:
            function = self.module.functions[name]
            read = self.of_result(function)
            is_seen = self.context.shows(function)
            self.alive[name] = Liveness(function, self.facts, is_seen=is_seen, read_fields=read)
        return self.alive[name]

    def of_result(self, function: Function) -> frozenset[str] | None:
        """Return the fields of its result that callers read; None for all of it."""
        name = function.name
        if name in self.of_results:
            return self.of_results[name]
        self.of_results[name] = None  # while it is looked at: of what calls itself all is read
        is_root = self.context.roots is None or name in self.context.roots
        if is_root or function.result is None or name not in self.sites:
            return None
        found: set[str] = set()
        for caller, op in self.sites[name]:
            fields = self.fields(self.liveness(caller), op.results[-1])
            if fields is None or op.spec.writes_stream:
                return None
            found |= fields
        self.of_results[name] = frozenset(found)
        return self.of_results[name]

    @staticmethod
    def fields(alive: Liveness, value: Value) -> set[str] | None:
        """Return the fields of a value that are read; None for all of it."""
        if value in alive.needed:
            return None
        return {name for whole, name in alive.fields if whole == value}

    def rewritten(self, function: Function) -> Function:
        cut = partial(self.cut, function.name, self.liveness(function.name))
        return function.with_body(rewrite(function.body, cut))

    def cut(self, function: str, alive: Liveness, op: Op) -> Sequence[Op]:
        count = self.count(op, alive)
        if count is None or op.attrs.get("fields") == count:
            return [op]
        made = op.with_(attrs={**op.attrs, "fields": count})
        record = change(Fields.name, function, [op], write_op(op), write_op(made), Saved())
        self.context.report(record)
        return [made]

    def count(self, op: Op, alive: Liveness) -> int | None:
        """Return how many fields of a decode are wanted; None for all, and if it is no record."""
        symbol = op.attrs.get("constraint")
        if not op.spec.model or not isinstance(symbol, Symbol) or not alive.is_live(op):
            return None
        wanted = self.module.constraints[symbol.name]
        is_cut = op.attrs.get("stop") or op.kwarg("stop") is not None or op.attrs.get("healing")
        if not isinstance(wanted, Record) or has_checks(wanted) or is_cut or id(op) in alive.seen:
            return None
        stream, value = op.results[0], op.results[1]
        read = self.fields(alive, value)
        if stream in alive.needed or not read:
            return None
        names = [field.name for field in wanted.fields]
        if not read <= set(names):
            return None
        count = 1 + max(map(names.index, read))
        return count if count < len(names) else None
