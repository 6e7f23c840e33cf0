"""What was said in the runs of a trace: the text of the program apart from that of the model.

A run has its own prompt first, then the streams that were not kept in it: branches, and prompts
that were called. Such a stream begins where it leaves what stands above it.
"""

from __future__ import annotations

from typing import Any, Final

from sglc.compiler.ir.graph import Module
from sglc.compiler.ir.op import Symbol
from sglc.constraints.automaton import Automaton, AutomatonTooLarge
from sglc.constraints.build import language
from sglc.constraints.machine import Machine
from sglc.viz.places import Places
from sglc.viz.trace import Call, Run, Trace, Version

WRITERS: Final = ("gen", "select")
MAX_PIECES: Final = 4000  # of all runs; each is an element of the page
MAX_LEAD: Final = 60  # characters of what a stream goes on from
Piece = dict[str, Any]


def transcript_view(trace: Trace, places: Places, module: Module) -> dict[str, Any]:
    """Return the streams of the runs as pieces of text, of as many runs as are shown."""
    writer = _Writer(places, module)
    runs: list[dict[str, Any]] = []
    pieces = 0
    for run in trace.runs:
        if run.versions is None:
            continue
        streams = writer.run(run, run.versions)
        pieces += sum(len(stream["pieces"]) for stream in streams)
        if runs and pieces > MAX_PIECES:
            break
        runs.append({"label": f"run {run.instance}", "streams": streams})
    left_out = len(trace.runs) - len(runs)
    return {"runs": runs, "note": f"{left_out} more runs are not shown" if left_out else ""}


class _Writer:
    def __init__(self, places: Places, module: Module) -> None:
        self.places = places
        self.module = module
        self.machines: dict[str, Machine | None] = {}

    def run(self, run: Run, versions: list[Version]) -> list[dict[str, Any]]:
        """The streams of a run; each version is in one of them."""
        written = {call.result: call for call in run.calls if call.result >= 0}
        ends = [(_last(run, versions), "")]
        for call in run.calls:
            if call.op not in WRITERS:
                continue
            end = call.result if call.result >= 0 else call.prompt
            name = f"{call.op} {call.name}".strip()
            note = "" if call.result >= 0 else ", which has no result"
            note += ", of an arm that was not taken" if call.is_wasted else ""
            ends.append((end, f"up to {name}{f' in {call.path}' if call.path else ''}{note}"))
        told: set[int] = set()
        streams = []
        parents = {version.parent for version in versions}
        for end, title in ends:
            if title and end in parents:
                continue  # it is part of what another call goes on from
            chain: list[int] = []
            at = end
            while at >= 0 and at not in told:
                chain.append(at)
                at = versions[at].parent
            if not chain:
                continue
            told.update(chain)
            pieces = [
                piece
                for number in reversed(chain)
                for piece in self._pieces(versions[number], written.get(number))
            ]
            lead = "" if at < 0 else _lead(versions, at)
            streams.append({"title": title, "lead": lead, "pieces": pieces})
        return streams

    def _pieces(self, version: Version, call: Call | None) -> list[Piece]:
        if version.kind != "text":
            keys = self.places.keys(version.place, f"role.{version.kind}", "put")
            return [{"kind": version.kind, "text": version.text, "keys": keys}]
        if not version.text:
            return []
        if call is None:
            keys = self.places.keys(version.place, "put")
            return [{"kind": "program", "text": version.text, "keys": keys}]
        keys = self.places.keys(version.place, *WRITERS)
        return [
            {"kind": kind, "text": text, "keys": keys}
            for kind, text in self._model(version.text, call)
        ]

    def _model(self, text: str, call: Call) -> list[tuple[str, str]]:
        """The text of a call, cut into what was forced by its constraint and what was not."""
        if call.op == "select":
            return [("chosen", text)]
        op = self.places.op(call.place, "gen")
        symbol = None if op is None else op.attrs.get("constraint")
        machine = self._machine(symbol.name) if isinstance(symbol, Symbol) else None
        if machine is None:
            return [("model", text)]
        parts = forced(machine, text)
        return [("forced" if is_forced else "model", part) for is_forced, part in parts]

    def _machine(self, name: str) -> Machine | None:
        """The automaton of a constraint; None for one that is large, or made as it is met."""
        if name not in self.machines:
            self.machines[name] = None
            type_ = self.module.constraints.get(name)
            try:
                found = None if type_ is None else language(type_)
            except AutomatonTooLarge:
                found = None
            self.machines[name] = found if isinstance(found, Automaton) else None
        return self.machines[name]


def _last(run: Run, versions: list[Version]) -> int:
    """The end of the run's own prompt.

    Passes may hand out a version before the end where nobody looks at the text; if there is one
    way on from it, that is taken.
    """
    on: dict[int, list[int]] = {}
    for number, version in enumerate(versions):
        on.setdefault(version.parent, []).append(number)
    at = run.final
    while at >= 0 and len(on.get(at, ())) == 1:
        (at,) = on[at]
    return at


def forced(machine: Machine, text: str) -> list[tuple[bool, str]]:
    """Cut a text where a constraint begins and ceases to leave no choice.

    A character is forced if all of its bytes are. Behind the point where the text leaves the
    constraint nothing is.
    """
    data = text.encode("utf-8", errors="replace")
    marks = bytearray(len(data))
    state, at = machine.start, 0
    while at < len(data) and state:
        run = machine.forced(state)
        if run and data.startswith(run, at):
            marks[at : at + len(run)] = b"\1" * len(run)
            at += len(run)
            state = machine.run(state, run)
        else:
            state = machine.step(state, data[at])
            at += 1
    found: list[tuple[bool, str]] = []
    at = 0
    for character in text:
        size = len(character.encode("utf-8", errors="replace"))
        is_forced = all(marks[at : at + size])
        at += size
        if found and found[-1][0] == is_forced:
            found[-1] = (is_forced, found[-1][1] + character)
        else:
            found.append((is_forced, character))
    return found


def _lead(versions: list[Version], at: int) -> str:
    """The end of the text that a stream goes on from."""
    text = ""
    while at >= 0 and len(text) < MAX_LEAD:
        text = (versions[at].text if versions[at].kind == "text" else " ") + text
        at = versions[at].parent
    return text[-MAX_LEAD:]
