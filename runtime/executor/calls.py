"""Calls of functions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sglc.compiler.plan.seeds import BY_STREAM
from sglc.runtime.executor.code import FunctionCode, NodeCode
from sglc.runtime.executor.errors import LimitError, OpError, Poison, Scope
from sglc.runtime.executor.frame import Frame
from sglc.runtime.executor.regions import Exit, Region
from sglc.runtime.executor.stream import Stream

if TYPE_CHECKING:
    from sglc.runtime.executor.machine import Machine


class CallRegion(Region):
    """``call`` and ``include``: a frame of the callee's body.

    A call in the chain of effects gives its effect when nothing of the callee runs any more:
    poison if anything in it failed.
    """

    __slots__ = ("_effect", "_results")

    def begin(self, machine: Machine) -> None:
        """Start the callee."""
        frame, node = self.frame, self.node
        function = frame.run.code.functions[node.attrs["callee"]]
        entry, values = self._arguments(function)
        self._results = node.outputs
        self._effect: int | None = None
        if node.kwarg("after") is not None:
            self._effect, *results = node.outputs
            self._results = tuple(results)
            self.scope = Scope()
        path = frame.path + node.path
        site = node.attrs.get("rng")
        if site == BY_STREAM:  # wherever the call stands, as the decodes around it draw
            assert entry is not None
            path = (_BY_STREAM, *entry.lineage.path, entry.lineage.calls)
        elif site:
            path = (*path, int(site))
        code = function.body
        callee = Frame(
            code, frame.run, self, self.scope, path,
            entry=entry, depth=frame.depth + 1, is_main=bool(node.attrs.get("main")),
        )  # fmt: skip
        machine.begin(callee)
        for slot, value in zip(code.params, values, strict=True):
            machine.resolve(callee, slot, value)

    def poisoned(self, machine: Machine, child: Frame, poison: Poison) -> None:
        for slot in self._results:
            machine.resolve(self.frame, slot, poison)

    def takes_exit(self, machine: Machine, child: Frame, left: Exit) -> bool:
        assert left.kind == "return", left.kind
        slots = left.slots if self.node.op == "include" else left.slots[1:]
        for output, slot in zip(self._results, slots, strict=True):
            machine.link(left.source, slot, self.frame, output)
        return True

    def child_done(self, machine: Machine, child: Frame) -> None:
        frame, node = self.frame, self.node
        if self._effect is not None:
            frame.scope.errors += self.scope.errors
            first = self.scope.first()
            machine.resolve(frame, self._effect, None if first is None else Poison(first))
        machine.passed(frame, node)
        machine.end(frame, node)

    def _arguments(self, code: FunctionCode) -> tuple[Stream | None, list[Any]]:
        values = self.frame.values
        args = [values[slot] for slot in self.node.args]
        entry = args.pop(0) if self.node.op == "include" else None
        params = code.function.params
        bound: list[Any] = [p.default if p.has_default else _MISSING for p in params]
        if len(args) > len(params):
            raise OpError("data", f"`{code.function.name}` takes {len(params)} arguments")
        bound[: len(args)] = args
        for name, slot in self.node.kwargs:
            if name != "after":
                bound[code.positions[name]] = values[slot]
        missing = [p.name for p, v in zip(params, bound, strict=True) if v is _MISSING]
        if missing:
            raise OpError("data", f"`{code.function.name}` needs `{missing[0]}`")
        return entry, bound


def start_call(machine: Machine, frame: Frame, node: NodeCode) -> None:
    limit = frame.run.limits.max_depth
    if frame.depth >= limit:
        raise LimitError(f"calls nested deeper than {limit}")
    CallRegion(frame, node).begin(machine)


_MISSING = object()
_BY_STREAM: Final = -1  # no place in a program begins like that
