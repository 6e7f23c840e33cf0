"""Tools of runs that are recorded or replayed."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from sglc.compiler.plan.plan import ToolSpec
from sglc.runtime.executor.rendered import json_value
from sglc.runtime.executor.tape import Played, ToolSite
from sglc.runtime.executor.tools import BoundTool, ToolError, ToolRegistry
from sglc.runtime.recording.answers import Answers
from sglc.runtime.recording.recording import RecordedTool
from sglc.runtime.recording.tool_outcomes import played


class MissingTool(NamedTuple):
    """A call of a tool that is not in the recording."""

    name: str
    arguments: Mapping[str, Any]

    def __str__(self) -> str:
        given = ", ".join(
            f"{k}={json.dumps(v, ensure_ascii=False)}" for k, v in self.arguments.items()
        )
        return f"the call {self.name}({given}) is not in the recording"


class ReplayTape:
    """Implements ToolTape: calls come to what they came to when they were recorded.

    One that was not recorded fails, and is in ``missing`` if it counts; with ``makes_missing`` it
    is made. What a call came to that changes something is given once.
    """

    def __init__(
        self,
        tools: Sequence[RecordedTool],
        *,
        makes_missing: bool = False,
    ) -> None:
        self.missing: list[MissingTool] = []
        self.num_played = 0
        self.num_made = 0
        self._makes_missing = makes_missing
        self._answers: Answers[Played] = Answers()
        self._cancelled = set[tuple[str, str]]()
        for tool in tools:
            question = tool.name, _canonical(tool.arguments)
            if "cancelled" in tool.outcome:
                self._cancelled.add(question)
            else:
                self._answers.add(question, (tool.row, tool.path), played(tool))

    def play(self, site: ToolSite) -> Played | None:
        """Return what was recorded."""
        name, arguments = site.tool.name, json_value(site.arguments)
        question = name, _canonical(arguments)
        again = site.tool.effect != "effectful"
        found = self._answers.take(question, (site.instance, site.path), again=again)
        if found is not None:
            self.num_played += 1
            return found
        if self._makes_missing:
            self.num_made += 1
            return None
        if question in self._cancelled:
            reason = "this call was cancelled when it was recorded: nobody waited for it"
            return Played(error=ToolError(f"tool `{name}`: {reason}"))
        missing = MissingTool(name, arguments)
        if not site.is_tentative:  # else it has not been asked before the decision was there
            self.missing.append(missing)
        return Played(error=ToolError(f"tool `{name}`: {missing}"))


class UnboundTools(ToolRegistry):
    """Binds every tool to nothing: a tape has the answers."""

    def bind(self, spec: ToolSpec) -> BoundTool:
        """Return the tool without its function."""
        return BoundTool(spec, None)


def tools_of(search_path: Sequence[str | os.PathLike[str]], *, run: bool) -> ToolRegistry:
    """Return the tools of a replay: bound to their functions if they are to ``run``."""
    return ToolRegistry(search_path=search_path) if run else UnboundTools()


def _canonical(arguments: Mapping[str, Any]) -> str:
    return json.dumps(arguments, sort_keys=True)
