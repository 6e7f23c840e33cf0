"""Tools of runs that are recorded or replayed."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from sglc.compiler.plan.plan import ToolSpec
from sglc.runtime.executor.rendered import json_value
from sglc.runtime.executor.tape import Played, ToolSite
from sglc.runtime.executor.toolcalls import RemoteFailure
from sglc.runtime.executor.tools import BoundTool, ToolError, ToolRegistry
from sglc.runtime.recording.answers import Answers
from sglc.runtime.recording.recording import RecordedTool
from sglc.runtime.recording.values import is_data
from sglc.runtime.recording.writer import RecordingWriter


class WritingTape:
    """Implements ToolTape: lets every call be made, and writes down what it came to."""

    def __init__(self, writer: RecordingWriter) -> None:
        self._writer = writer

    def play(self, site: ToolSite) -> Played | None:
        """Nothing is known."""
        return None

    def ended(self, site: ToolSite, value: Any, error: BaseException | None) -> None:
        """Write it down."""
        outcome = outcome_of(value, error)
        self._writer.tool(site.tool.name, site.instance, site.path, site.arguments, outcome)


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

    One that was not recorded fails, and is in ``missing``; with ``makes_missing`` it is made. What
    a call came to that changes something is given once. ``then`` is told of all calls.
    """

    def __init__(
        self,
        tools: Sequence[RecordedTool],
        *,
        makes_missing: bool = False,
        then: WritingTape | None = None,
    ) -> None:
        self.missing: list[MissingTool] = []
        self.num_played = 0
        self.num_made = 0
        self._makes_missing = makes_missing
        self._then = then
        self._answers: Answers[Played] = Answers()
        for tool in tools:
            question = tool.name, _canonical(tool.arguments)
            self._answers.add(question, (tool.row, tool.path), _played(tool))

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
        missing = MissingTool(name, arguments)
        self.missing.append(missing)
        return Played(error=ToolError(f"tool `{name}`: {missing}"))

    def ended(self, site: ToolSite, value: Any, error: BaseException | None) -> None:
        """Hand it on."""
        if self._then is not None:
            self._then.ended(site, value, error)


class UnboundTools(ToolRegistry):
    """Binds every tool to nothing: a tape has the answers."""

    def bind(self, spec: ToolSpec) -> BoundTool:
        """Return the tool without its function."""
        return BoundTool(spec, None)


def tools_of(search_path: Sequence[str | os.PathLike[str]], *, run: bool) -> ToolRegistry:
    """Return the tools of a replay: bound to their functions if they are to ``run``."""
    return ToolRegistry(search_path=search_path) if run else UnboundTools()


def outcome_of(value: Any, error: BaseException | None) -> dict[str, Any]:
    """Return what a tool call came to as JSON: its ``value``, or an ``error``.

    The ``kind`` of an error is ``type``: it gave or was given what does not fit, ``raised``: its
    function failed, or ``value``: it gave something that JSON does not give back.
    """
    if error is None:
        if is_data(value):
            return {"value": value}
        return {"error": {"kind": "value", "message": type(value).__name__}}
    if isinstance(error, ToolError):
        return {"error": {"kind": "type", "message": str(error)}}
    is_told = isinstance(error, RemoteFailure)
    text = str(error) if is_told else f"{type(error).__name__}: {error}"
    return {"error": {"kind": "raised", "message": text}}


def _played(tool: RecordedTool) -> Played:
    error = tool.outcome.get("error")
    if error is None:
        return Played(tool.outcome["value"])
    message = str(error["message"])
    if error["kind"] == "type":
        return Played(error=ToolError(message))
    if error["kind"] == "value":
        reason = f"it gave a {message}, which a recording cannot hold: let it return plain data"
        return Played(error=ToolError(f"tool `{tool.name}`: {reason}"))
    return Played(error=RemoteFailure(message))


def _canonical(arguments: Mapping[str, Any]) -> str:
    return json.dumps(arguments, sort_keys=True)
