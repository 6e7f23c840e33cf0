"""A program file that was checked: its types, its tools, and plans of its prompts."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sglc.compiler.frontend.checked import Checked
from sglc.errors import RunFailed
from sglc.files.types import ProgramTypes

if TYPE_CHECKING:
    from sglc.compiler.driver import Program
    from sglc.compiler.ir.graph import Module
    from sglc.compiler.plan.plan import Plan
    from sglc.constraints.types import Type
    from sglc.files.graph import ProgramGraph
    from sglc.runtime.executor.tools import ToolRegistry


class ProgramFile:
    """What all prompts of a file share. Plans are made once, when they are first asked for."""

    def __init__(
        self, path: Path, checked: Checked, graph: Module, tools: Mapping[str, Callable[..., Any]]
    ) -> None:
        self.path = path
        self.name = path.stem
        self.checked = checked
        self.graph = graph
        self.given_tools = dict(tools)
        self.named_types: dict[str, Type] = {
            name: type_ for name, type_ in checked.types.items() if "." not in name
        }
        self.types = ProgramTypes(str(path), self.name, self.named_types)
        self._plans: dict[tuple[str, bool], Plan] = {}
        self._inclusions: dict[tuple[str, tuple[str, ...]], Plan] = {}
        self._lock = threading.Lock()

    @cached_property
    def registry(self) -> ToolRegistry:
        """The functions behind the tools; others are imported from the folder of the file."""
        from sglc.runtime.executor.tools import ToolRegistry

        functions = {
            name: self.given_tools[name.rpartition(".")[2]]
            for name, info in self.checked.tools.items()
            if info.source is None and name.rpartition(".")[2] in self.given_tools
        }
        return ToolRegistry(functions, [self.path.parent])

    def plan(self, name: str, *, by_value: bool = False) -> Plan:
        """Return the plan of a prompt; ``by_value``: only the value of its runs is read."""
        with self._lock:
            known = self._plans.get((name, by_value))
            if known is None:
                known = self._plans[name, by_value] = self._optimized(name, by_value)[0].plan
            return known

    def inclusion(self, name: str, arguments: Collection[str]) -> Plan:
        """Return the fragment that includes a prompt in a Python program."""
        from sglc.files.inclusion import inclusion

        names = tuple(sorted(arguments))
        with self._lock:
            known = self._inclusions.get((name, names))
            if known is None:  # passes may do what only a whole run allows
                is_effectful = name in self.checked.effectful_prompts
                known = inclusion(self._as_written(name), names, is_effectful=is_effectful)
                self._inclusions[name, names] = known
            return known

    def begins_messages(self, name: str) -> bool:
        """Whether the text of a prompt has messages of its own."""
        from sglc.files.inclusion import begins_messages

        return begins_messages(self._as_written(name))

    def _as_written(self, name: str) -> Plan:
        from sglc.compiler.driver import Optimization, optimized
        from sglc.compiler.passes.pipeline import Pipeline

        optimization = Optimization(Pipeline(), entry=name)
        return optimized(self.checked, self.graph, optimization).plan

    def _optimized(
        self, name: str, by_value: bool
    ) -> tuple[Program, tuple[tuple[str, Module], ...]]:
        from sglc.compiler.driver import Optimization, optimized

        made: list[tuple[str, Module]] = []
        optimization = Optimization(
            runs_entry=True,
            entry=name,
            by_value=by_value,
            watch=lambda each, module: made.append((str(each), module)),
        )
        return optimized(self.checked, self.graph, optimization), tuple(made)

    def graph_of(self, name: str) -> ProgramGraph:
        """Return the graph of a prompt as it is run."""
        from sglc.files.graph import ProgramGraph

        return ProgramGraph(name, *self._optimized(name, by_value=False))

    def evaluate(self, name: str, arguments: Mapping[str, Any]) -> Any:
        """Return what a fn gives for arguments of its types.

        Raises:
            RunFailed: it has no result for them.
        """
        from sglc.compiler.evaluation import NoModel
        from sglc.compiler.interpreter import interpret
        from sglc.runtime.executor.errors import RunError

        outcome = interpret(self.graph, name, arguments, NoModel())
        if outcome.error is not None:
            raise RunFailed(RunError("data", str(outcome.error)))
        return outcome.value
