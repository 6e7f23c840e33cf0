"""Streams that go on: which model ops leave a version behind that the model is asked about again.

Worked out backwards from the versions that model ops read, through what appends text, through arms,
loops, forks and included prompts. Of a branch that is one of many nothing goes on: which one is
picked is known too late.
"""

from __future__ import annotations

from collections.abc import Iterator

from sglc.compiler.ir.graph import Function, Module
from sglc.compiler.ir.op import Op, Operand, Value
from sglc.compiler.ir.traits import projected
from sglc.compiler.passes.facts import Facts
from sglc.compiler.passes.handing import handed_on


class Continuations:
    """``goes_on(op)``: whether a model op may read a later version of the stream that ``op`` gives.

    Linear in the size of the module.
    """

    def __init__(self, module: Module, facts: Facts) -> None:
        self._module = module
        self._facts = facts
        self._seen: set[tuple[str, Value]] = set()
        self._ops: set[int] = set()
        self._todo: list[tuple[str, Operand]] = []
        self._sites: dict[str, list[tuple[str, Operand]]] = {}
        self._returns: dict[str, list[Operand]] = {}
        for function, op in module.walk():
            if op.spec.model:
                self._todo.append((function.name, op.args[0]))
            elif op.spec.calls and op.spec.writes_stream:
                site = function.name, op.args[0]
                self._sites.setdefault(op.symbol or "", []).append(site)
            elif "function" in op.spec.exits and op.args:
                self._returns.setdefault(function.name, []).append(op.args[0])
        while self._todo:
            self._visit(*self._todo.pop())

    def goes_on(self, op: Op) -> bool:
        """Whether the model is asked about the stream again behind ``op``, on some way."""
        return id(op) in self._ops

    def leads_on(self, function: Function, version: Value) -> bool:
        """Whether the model may be asked about ``version``, or a later one of its stream."""
        return (function.name, version) in self._seen

    def _visit(self, name: str, stream: Operand) -> None:
        if not isinstance(stream, Value) or (name, stream) in self._seen:
            return
        self._seen.add((name, stream))
        self._todo += self._before(name, stream)

    def _before(self, name: str, stream: Value) -> Iterator[tuple[str, Operand]]:
        """Yield the versions that become ``stream``."""
        function = self._module.functions[name]
        made = self._facts.definitions(function)
        op = made.ops.get(stream)
        if op is None:
            owner, region = made.regions.get(stream, (None, None))
            if owner is None or region is None:
                return
            if not owner.spec.loop:
                yield name, owner.args[0]
                return
            index = region.params.index(stream) - (len(region.params) - len(owner.results))
            if index >= 0:
                yield from ((name, value) for value in handed_on(owner, index))
        elif stream == function.entry_stream:
            yield from self._sites.get(name, ())
        elif op.spec.model:
            self._ops.add(id(op))
        elif op.spec.calls:
            callee = op.symbol or ""
            yield from ((callee, end) for end in self._returns.get(callee, ()))
        elif op.regions:
            index = op.results.index(stream)
            yield from ((name, value) for value in handed_on(op, index))
        elif op.spec.writes_stream:
            yield name, op.args[0]
        elif projected(op) == "stream":
            yield from ((name, end) for end in self._named_branch(made.ops, op.args[0]))

    def _named_branch(self, ops: dict[Value, Op], branch: Operand) -> Iterator[Operand]:
        """Yield where a branch ends that is known by its name."""
        picked = ops.get(branch) if isinstance(branch, Value) else None
        name = None if picked is None else projected(picked)
        if picked is None or name is None or not isinstance(picked.args[0], Value):
            return
        fork = ops.get(picked.args[0])
        if fork is not None and fork.spec.reads_stream:
            for region in fork.regions:
                if region.case == (name,):
                    yield region.terminator.args[0]
