"""V3 roles and V4 descent: what streams go through on their way to the end of a function."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sglc.compiler.ir.graph import Function, Module
from sglc.compiler.ir.op import Op, Operand, Region, Value
from sglc.compiler.ir.values import STREAM

Report = Callable[[str, "Op | None", str], None]


@dataclass(frozen=True, slots=True)
class State:
    """What is known of a stream: the open role (None: no role is open), and its first version.

    ``known`` is false for a stream taken out of a branch value: it agrees with everything.
    """

    role: str | None = None
    from_entry: bool = False
    known: bool = True


UNKNOWN = State(known=False, from_entry=True)


def check_streams(function: Function, module: Module, report: Report) -> None:
    """Report violations of V3 and V4; the shape of the function must be right."""
    _Tracker(function, module, report).region(function.body, None)


class _Tracker:
    def __init__(self, function: Function, module: Module, report: Report) -> None:
        self.module = module
        self.report = report
        self.entry = function.entry_stream
        self.states: dict[Value, State] = {}

    def state(self, operand: Operand) -> State:
        return self.states.get(operand, UNKNOWN) if isinstance(operand, Value) else UNKNOWN

    def region(self, region: Region, loop: tuple[State, ...] | None) -> tuple[Op, ...]:
        """Check a region; return the terminators by which it, or a break inside, is left."""
        for op in region.ops:
            self.op(op, loop)
        return (region.terminator,)

    def op(self, op: Op, loop: tuple[State, ...] | None) -> None:
        if op.spec.regions:
            self.control(op, loop)
        elif op.spec.terminator:
            self.terminator(op, loop)
        elif op.name == "stream":
            self.states[op.result] = State(from_entry=op.result == self.entry)
        elif op.spec.writes_stream:
            stream = next(value for value in op.results if value.type == STREAM)
            self.states[stream] = self.after(op, self.state(op.args[0]))

    def after(self, op: Op, state: State) -> State:
        """The state of the next version that ``op`` makes."""
        role = op.attrs.get("role")
        if op.name == "role.begin":
            if state.known and state.role is not None:
                self.report("V3", op, f"role {role!r} begins while {state.role!r} is open")
            return State(str(role), state.from_entry)
        if op.name == "role.end":
            if state.known and state.role != role:
                self.report("V3", op, f"role {role!r} ends, but {state.role!r} is open")
            return State(None, state.from_entry)
        if op.spec.calls and state.role is not None and self.opens_role(op.symbol, set()):
            self.report("V3", op, f"@{op.symbol} has roles, but {state.role!r} is open")
        return state

    def opens_role(self, name: str | None, seen: set[str]) -> bool:
        if name is None or name in seen or name not in self.module.functions:
            return False
        seen.add(name)
        return any(
            op.name == "role.begin"
            or (op.spec.calls and op.spec.writes_stream and self.opens_role(op.symbol, seen))
            for op in self.module.functions[name].walk()
        )

    def control(self, op: Op, loop: tuple[State, ...] | None) -> None:
        given = [self.state(arg) for arg in op.args]
        given = [UNKNOWN, *given] if not op.args else given
        carried = given[1:]
        for region in op.regions:
            inner = loop
            if op.spec.loop:
                lead = len(region.params) - len(carried)
                self.states.update(zip(region.params[lead:], carried, strict=True))
                inner = tuple(carried)
            elif op.spec.reads_stream:
                self.states[region.params[0]] = State(given[0].role, given[0].from_entry)
                inner = None
            self.region(region, inner)
            if op.spec.reads_stream:
                self.check_branch(op, region, given[0])
        if op.spec.loop:
            for region in op.regions:
                self.merge(region.terminator, op, carried)
            self.states.update(zip(op.results, carried, strict=True))
        elif not op.spec.reads_stream:
            self.join(op)

    def check_branch(self, op: Op, region: Region, start: State) -> None:
        if region.terminator.spec.exits:
            return
        end = self.state(region.terminator.args[0])
        if start.known and end.known and end.role != start.role:
            self.report("V3", region.terminator, f"a branch ends in role {end.role!r}")

    def join(self, op: Op) -> None:
        """Merge what the arms yield into the states of the results."""
        for index, value in enumerate(op.results):
            if value.type != STREAM:
                continue
            ends = [
                (region.terminator, self.state(region.terminator.args[index]))
                for region in op.regions
                if not region.terminator.spec.exits
            ]
            known = [(end, state) for end, state in ends if state.known]
            for end, state in known[1:]:
                if state.role != known[0][1].role:
                    first = known[0][1].role
                    self.report("V3", end, f"role {state.role!r} is open here, {first!r} there")
            role = known[0][1].role if known else None
            descends = all(state.from_entry for _, state in ends)
            self.states[value] = State(role, descends, bool(known))

    def merge(self, end: Op, op: Op, carried: list[State]) -> None:
        if end.spec.exits:
            return  # break and continue were checked where they stand
        self.check_carried(end, carried)

    def check_carried(self, end: Op, carried: list[State] | tuple[State, ...]) -> None:
        for operand, wanted in zip(end.args, carried, strict=True):
            if not isinstance(operand, Value) or operand.type != STREAM:
                continue
            state = self.state(operand)
            if state.known and wanted.known and state.role != wanted.role:
                reason = f"role {state.role!r} is open, but {wanted.role!r} where the loop began"
                self.report("V3", end, reason)

    def terminator(self, op: Op, loop: tuple[State, ...] | None) -> None:
        if op.spec.exits == frozenset({"loop"}) and loop is not None:
            self.check_carried(op, loop)
        elif "function" in op.spec.exits and op.args:
            state = self.state(op.args[0])
            if state.known and state.role is not None:
                self.report("V3", op, f"returns while role {state.role!r} is open: end it first")
            if not state.from_entry:
                self.report("V4", op, "the stream it returns does not begin at the entry stream")
