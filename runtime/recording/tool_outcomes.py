"""What calls of tools came to, as JSON and back."""

from __future__ import annotations

from typing import Any

from sglc.runtime.executor.tape import Played
from sglc.runtime.executor.toolcalls import RemoteFailure
from sglc.runtime.executor.tools import ToolError
from sglc.runtime.recording.recording import RecordedTool
from sglc.runtime.recording.values import is_data


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


def played(tool: RecordedTool) -> Played:
    """Return what a recorded call came to."""
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
