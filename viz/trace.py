"""A trace as ``sglc run --trace`` writes it, read back and checked against the program."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import Any, Final, NamedTuple

from sglc.compiler.source import SourceFile

VERSION: Final = 1
PHASES: Final = ("build", "queue", "prefill", "decode", "tool")
TOKENS: Final = ("cached", "prefilled", "scored", "decoded", "forced")
KINDS: Final = ("text", "special", "begin", "end")


class TraceError(ValueError):
    """A file is no trace, or not one of this program; the message says what to do."""


class Phase(NamedTuple):
    """A piece of a call, in microseconds."""

    name: str
    begin: float
    end: float


@dataclass
class Call:
    """A call of a run. ``place`` is ``file:line:column`` with the program's own file name.

    ``has_joined``: it took the stream of an equal call; ``is_wasted``: it was done for an arm that
    was not taken. ``prompt`` and ``result`` are versions of the run's streams, -1 if there is none.
    """

    number: int
    op: str
    name: str
    path: str
    place: str | None
    begin: float
    end: float
    lane: int
    is_critical: bool
    has_joined: bool
    is_wasted: bool
    tokens: Mapping[str, int]
    phases: list[Phase] = field(default_factory=list)
    prompt: int = -1
    result: int = -1


class Version(NamedTuple):
    """What a version of a stream appends to an earlier one, -1 for none."""

    parent: int
    kind: str
    text: str
    place: str | None


@dataclass
class Run:
    """A run, in microseconds. ``versions`` is None if the trace left its texts out."""

    number: int
    instance: int
    begin: float
    end: float
    calls: list[Call] = field(default_factory=list)
    versions: list[Version] | None = None
    final: int = -1


class Sample(NamedTuple):
    """Counters of the engine from ``at`` on."""

    at: float
    values: Mapping[str, int]


class PrefixNode(NamedTuple):
    """A node of the prefix tree; ``expected`` and ``reused`` are tokens over all prompts."""

    parent: int
    tokens: int
    text: str
    asked: int
    expected: int
    reused: int
    is_written: bool
    calls: list[tuple[int, int]]


@dataclass
class Trace:
    """What was recorded. ``about`` is what the trace says of the command that made it."""

    about: Mapping[str, Any]
    runs: list[Run]
    counters: Mapping[str, list[Sample]]
    nodes: list[PrefixNode]
    calls_left_out: int


@dataclass(frozen=True)
class TraceFile:
    """The JSON of a trace that `sglc run` has written, in a file called ``name``."""

    name: str
    data: Mapping[str, Any]

    @classmethod
    def parse(cls, text: str, name: str) -> TraceFile:
        """Take the text of a file.

        Raises:
            TraceError: it is no trace of ``sglc run``.
        """
        try:
            data = json.loads(text)
        except ValueError as error:
            raise TraceError(f"{name} is no trace: it is not JSON ({error})") from None
        if not isinstance(data, dict) or not isinstance(data.get("traceEvents"), list):
            raise TraceError(f"{name} is no trace: it has no list `traceEvents`")
        own, about = data.get("sglc"), data.get("otherData")
        if not isinstance(own, dict) or not isinstance(about, dict) or "files" not in about:
            raise TraceError(f"{name} is a trace, but not one that `sglc run --trace` has written")
        if own.get("version") != VERSION:
            raise TraceError(
                f"{name} was written by another version of sglc (format {own.get('version')}, this "
                f"one reads {VERSION}): run the program again with --trace"
            )
        return cls(name, data)

    @property
    def about(self) -> Mapping[str, Any]:
        """What the trace says of the command that made it."""
        about: Mapping[str, Any] = self.data["otherData"]
        return about

    def read(self, sources: Sequence[SourceFile]) -> Trace:
        """Return what was recorded; ``sources`` are all files of the program.

        Raises:
            TraceError: the trace was damaged, or is of another program.
        """
        try:
            return _Reader(_names(self.name, self.about, sources)).trace(self.data)
        except _Damaged as error:
            raise TraceError(f"{self.name} is damaged: {error}") from None


def _names(name: str, about: Mapping[str, Any], sources: Sequence[SourceFile]) -> dict[str, str]:
    """The names of files in the trace -> those of the program.

    Raises:
        TraceError: the program has no such file, or it has changed.
    """
    files = about["files"]
    if not isinstance(files, dict) or not all(isinstance(f, str) for f in files.values()):
        raise TraceError(f"{name} is damaged: `files` names no files with digests")
    known = {source.digest: source.name for source in sources}
    same = {PurePath(source.name).name for source in sources}
    for file, digest in files.items():
        if digest in known:
            continue
        if PurePath(file).name in same:
            raise TraceError(f"{file} has changed since {name} was recorded: run it again")
        raise TraceError(
            f"{name} is a trace of another program: {about.get('program', file)}, "
            f"not {sources[0].name}"
        )
    return {file: known[digest] for file, digest in files.items()}


class _Damaged(Exception):
    """Something is not what the format says."""


@contextmanager
def _reading(where: str) -> Iterator[None]:
    """Whatever goes wrong inside is damage of this part of the file."""
    try:
        yield
    except (KeyError, IndexError, TypeError, ValueError, AttributeError) as error:
        reason = f"{type(error).__name__}: {error}"
        raise _Damaged(f"{where} is not what it should be ({reason})") from None


class _Reader:
    def __init__(self, names: Mapping[str, str]) -> None:
        self.names = names
        self.runs: dict[int, Run] = {}
        self.counters: dict[str, list[Sample]] = {}

    def trace(self, data: Mapping[str, Any]) -> Trace:
        phases: list[tuple[tuple[int, int], Phase]] = []
        calls: list[tuple[int, Call]] = []
        for number, event in enumerate(data["traceEvents"]):
            with _reading(f"event {number}"):
                self._event(event, calls, phases)
        for process, call in calls:
            with _reading("a call"):
                self.runs[process].calls.append(call)
        for run in self.runs.values():
            run.calls.sort(key=lambda call: call.number)
            if [call.number for call in run.calls] != list(range(len(run.calls))):
                raise _Damaged(f"calls of run {run.number} are missing")
        self._give(phases)
        own = data["sglc"]
        with _reading("`said`"):
            self._said(own["said"])
        with _reading("`prefixes`"):
            nodes, left_out = self._prefixes(own["prefixes"])
        runs = sorted(self.runs.values(), key=lambda run: run.number)
        return Trace(data["otherData"], runs, self.counters, nodes, left_out)

    def _event(
        self,
        event: Mapping[str, Any],
        calls: list[tuple[int, Call]],
        phases: list[tuple[tuple[int, int], Phase]],
    ) -> None:
        kind = event["ph"]
        if kind == "C":
            values = {str(key): _count(value) for key, value in event["args"].items()}
            sample = Sample(_time(event["ts"]), values)
            self.counters.setdefault(str(event["name"]), []).append(sample)
        if kind != "X" or event["cat"] == "step":
            return
        begin = _time(event["ts"])
        end = begin + _time(event["dur"])
        process, thread = _count(event["pid"]), _count(event["tid"])
        if event["cat"] == "run":
            self.runs[process] = Run(process - 1, _count(event["args"]["instance"]), begin, end)
        elif event["cat"] == "phase":
            name = PHASES[PHASES.index(event["name"])]
            phases.append(((process, thread), Phase(name, begin, end)))
        else:
            calls.append((process, self._call(event, begin, end, thread)))

    def _call(self, event: Mapping[str, Any], begin: float, end: float, thread: int) -> Call:
        args = event["args"]
        return Call(
            _count(args["call"]),
            str(event["cat"]),
            str(event["name"]).partition(" ")[2],
            str(args["path"]),
            self._place(args["loc"]),
            begin,
            end,
            thread,
            bool(args["critical"]),
            bool(args.get("joined")),
            bool(args.get("wasted")),
            {key: _count(args.get(f"{key}_tokens", 0)) for key in ("prompt", *TOKENS)},
        )

    def _give(self, phases: list[tuple[tuple[int, int], Phase]]) -> None:
        """Give the phases to the calls of their lanes, which do not overlap."""
        lanes: dict[tuple[int, int], list[Phase]] = {}
        for lane, phase in phases:
            lanes.setdefault(lane, []).append(phase)
        for found in lanes.values():
            found.sort(key=lambda phase: -phase.begin)
        for process, run in self.runs.items():
            for call in sorted(run.calls, key=lambda call: call.begin):
                left = lanes.get((process, call.lane), [])
                while left and left[-1].begin < call.begin:
                    left.pop()
                while left and left[-1].end <= call.end + 1e-6:
                    call.phases.append(left.pop())

    def _said(self, said: Mapping[str, Any]) -> None:
        places = [self._place(place) for place in said["places"]]
        for data in said["runs"]:
            run = self.runs[_count(data["run"]) + 1]
            versions: list[Version] = []
            for parent, kind, text, place in data["versions"]:
                if not -1 <= _number(parent) < len(versions) or _number(place) < -1:
                    raise ValueError(f"version {len(versions)} has no parent {parent}")
                at = None if place < 0 else places[place]
                versions.append(Version(parent, KINDS[KINDS.index(kind)], str(text), at))
            run.versions = versions
            ends = [_number(data["final"]), *(_number(n) for pair in data["calls"] for n in pair)]
            if not all(-1 <= end < len(versions) for end in ends):
                raise ValueError("a version that is not there")
            run.final = ends[0]
            for call, (prompt, result) in zip(run.calls, data["calls"], strict=True):
                call.prompt, call.result = prompt, result

    def _prefixes(self, data: Mapping[str, Any]) -> tuple[list[PrefixNode], int]:
        nodes: list[PrefixNode] = []
        for parent, tokens, text, asked, expected, reused, is_written, calls in data["nodes"]:
            if not -1 <= _number(parent) < len(nodes):
                raise ValueError(f"node {len(nodes)} has no parent {parent}")
            ends = [(_count(run), _count(call)) for run, call in calls]
            for run, call in ends:
                self.runs[run + 1].calls[call]
            _count(tokens)
            prompts, possible, actual = map(_count, (asked, expected, reused))
            nodes.append(
                PrefixNode(
                    parent, tokens, str(text), prompts, possible, actual, bool(is_written), ends
                )
            )
        return nodes, _count(data["left_out"])

    def _place(self, place: str | None) -> str | None:
        """A place with the program's own name of the file."""
        if place is None:
            return None
        file, line, column = place.rsplit(":", 2)
        return f"{self.names.get(file, file)}:{int(line)}:{int(column)}"


def _number(value: Any) -> int:
    if type(value) is not int:
        raise TypeError(f"{value!r} is no whole number")
    return value


def _count(value: Any) -> int:
    if _number(value) < 0:
        raise ValueError(f"{value} is less than nothing")
    return int(value)


def _time(value: Any) -> float:
    if type(value) not in (int, float) or not 0 <= value < 1e15:
        raise TypeError(f"{value!r} is no time")
    return float(value)
