"""What is made of plans before they run, and kept: their tables, tools and constraints."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from sglc.compiler.plan.plan import Plan, walk
from sglc.constraints.language import until
from sglc.runtime.executor.code import PlanCode
from sglc.runtime.executor.constraints import ConstraintCompiler
from sglc.runtime.executor.options import known_stop
from sglc.runtime.executor.tools import BoundTool, ToolRegistry

_MAX_PLANS: Final = 1024


class PlanTables:
    """The tables of the latest plans; making one begins to build its constraints."""

    def __init__(self, compiler: ConstraintCompiler) -> None:
        self._compiler = compiler
        self._plans: dict[int, tuple[PlanCode, Mapping[str, BoundTool]]] = {}

    def of(self, plan: Plan, registry: ToolRegistry) -> tuple[PlanCode, Mapping[str, BoundTool]]:
        """Return the tables of a plan, and its tools as ``registry`` has them.

        Raises:
            ToolError: a tool of the plan cannot be bound.
        """
        known = self._plans.get(id(plan))
        if known is None:
            nodes = [node for f in plan.functions.values() for node in walk(f.body)]
            names = {str(node.attrs["tool"]) for node in nodes if node.op == "tool"}
            tools = {name: registry.bind(plan.tools[name]) for name in sorted(names)}
            gens = [n for n in nodes if n.op == "gen" and n.attrs.get("constraint") is not None]
            used = dict.fromkeys((str(node.attrs["constraint"]), known_stop(node)) for node in gens)
            constraints = {
                (name, stop): self._compiler.prepare(until(plan.constraints[name], stop))
                for name, stop in used
                if stop is not None
            }
            if len(self._plans) >= _MAX_PLANS:
                del self._plans[next(iter(self._plans))]
            known = self._plans[id(plan)] = (PlanCode(plan, constraints), tools)
        return known

    def forget(self, plan: Plan) -> None:
        """Let go of what is kept for a plan."""
        self._plans.pop(id(plan), None)
