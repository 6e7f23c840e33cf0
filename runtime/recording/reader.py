"""Reads recordings. A line that was cut off at the end of the file is not there."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from sglc.runtime.recording.recording import (
    RecordedCall,
    RecordedRun,
    RecordedTool,
    Recording,
    RecordingError,
)
from sglc.runtime.recording.values import answer_from
from sglc.runtime.recording.writer import VERSION


def read_recording(path: str | Path) -> Recording:
    """Read a file.

    Raises:
        RecordingError: it is missing, no recording, broken, or of a later version.
    """
    try:
        content = Path(path).read_bytes()
    except OSError as error:
        raise RecordingError(f"{path}: {error.strerror or error}") from None
    lines = content.split(b"\n")
    lines.pop()  # what stands behind the last line's end: nothing, or a line that was cut off
    if not lines:
        raise RecordingError(f"{path}: not a recording: it has no whole line")
    about = _object(lines[0])
    if about is None or "sglrec" not in about:
        raise RecordingError(f"{path}: not a recording: its first line does not say `sglrec`")
    version = about["sglrec"]
    if version != VERSION:
        is_newer = isinstance(version, int) and version > VERSION
        way = "update sglc" if is_newer else "record it again"
        raise RecordingError(
            f"{path}: a recording of version {version}, and this sglc reads {VERSION}: {way}"
        )
    model = about.get("model")
    model = model if isinstance(model, dict) else {}
    missing = [name for name in _OF_MODEL if name not in model]
    if missing:
        raise RecordingError(f"{path}:1: the recording is broken: `{missing[0]}` is missing")
    for name in ("vocab_size", "max_context"):
        if type(model[name]) is not int:
            raise RecordingError(f"{path}:1: the recording is broken: `{name}` is no number")
    for name in ("program", "options"):
        if not isinstance(about.get(name, {}), dict):
            raise RecordingError(f"{path}:1: the recording is broken: `{name}` is no object")
    reader = _Reader(Recording(Path(path), about))
    for number, line in enumerate(lines[1:], 2):
        try:
            reader.take(line)
        except _BAD as error:
            raise RecordingError(f"{path}:{number}: {_reason(error)}") from None
    return reader.recording


_OF_MODEL: Final = ("vocab_size", "max_context", "kind", "tokenizer")
_OPS: Final = ("decode", "score", "textscore", "embed")
_OUTCOMES: Final = ("value", "error", "cancelled")
_BAD: Final = (ValueError, KeyError, TypeError, AttributeError, RecursionError)


def _reason(error: Exception) -> str:
    what = f"`{error.args[0]}` is missing" if isinstance(error, KeyError) else str(error)
    return f"the recording is broken: {what}"


def _object(line: bytes) -> dict[str, Any] | None:
    try:
        data = json.loads(line.decode("utf-8", "surrogatepass"))
    except (ValueError, RecursionError):
        return None
    return data if isinstance(data, dict) else None


class _Reader:
    """Takes the lines behind the first, one after another."""

    def __init__(self, recording: Recording) -> None:
        self.recording = recording
        self._ops: dict[int, dict[str, Any]] = {}
        self._kinds: dict[str, Callable[[dict[str, Any]], None]] = {
            "plan": self._plan,
            "run": self._run,
            "result": self._result,
            "op": self._op,
            "call": self._call,
            "tool": self._tool,
            "end": self._end,
        }

    def take(self, line: bytes) -> None:
        """Take one line.

        Raises:
            RecordingError: it is nothing that a recording may have there.
            ValueError, KeyError, TypeError, AttributeError: it is broken.
        """
        data = _object(line)
        if data is None:
            raise ValueError("the line is not a JSON object")
        if self.recording.is_whole:
            raise ValueError("something stands behind the end")
        kind = data.pop("t")
        if kind not in self._kinds:
            raise ValueError(f"there are no lines of kind {kind!r}")
        self._kinds[kind](data)

    def _plan(self, data: dict[str, Any]) -> None:
        self.recording.plans[int(data["n"])] = data["plan"]

    def _run(self, data: dict[str, Any]) -> None:
        plan = data["plan"]
        if plan is not None and plan not in self.recording.plans:
            raise ValueError(f"there is no plan {plan}")
        run = RecordedRun(data["n"], plan, int(data["row"]), int(data["seed"]), data.get("args"))
        self.recording.runs[run.number] = run

    def _result(self, data: dict[str, Any]) -> None:
        run = self.recording.runs[data.pop("run")]
        run.is_timeout = data.pop("timeout", False)
        run.outcome = data

    def _op(self, data: dict[str, Any]) -> None:
        if data["op"] not in _OPS:
            raise ValueError(f"there is no op {data['op']!r}")
        self._ops[int(data.pop("n"))] = data

    def _call(self, data: dict[str, Any]) -> None:
        op, number = self._ops[data["op"]], int(data["n"])
        base, shared, tail = data["seq"]
        calls = self.recording.calls
        if number != len(calls) + 1:
            raise ValueError(f"call {len(calls) + 1} is missing")
        if not 0 <= base < number or not shared >= 0 or (shared and not base):
            raise ValueError("the tokens of the call cannot be told")
        given = data.get("answer")
        calls[number] = RecordedCall(
            number, str(data["key"]), data.get("label", ""), data.get("site", ""), op,
            base, shared, tuple(map(int, tail)),
            None if given is None else answer_from(op["op"], given), data.get("failed"),
        )  # fmt: skip

    def _tool(self, data: dict[str, Any]) -> None:
        outcome: dict[str, Any] = {name: data[name] for name in _OUTCOMES if name in data}
        if len(outcome) != 1:
            raise ValueError("a tool gives a value or an error, or is cancelled")
        self.recording.tools.append(
            RecordedTool(data["name"], data["row"], data["path"], data["args"], outcome)
        )

    def _end(self, data: dict[str, Any]) -> None:
        found = self.recording
        there = {"runs": len(found.runs), "calls": len(found.calls), "tools": len(found.tools)}
        for name, count in there.items():
            if data[name] != count:
                raise ValueError(f"{count} of {data[name]} {name} are there")
        found.is_whole = True
