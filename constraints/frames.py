"""Frames, the ways back out of rules, and the walk over one byte that makes them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

from sglc.constraints.machine import TooAmbiguousError
from sglc.constraints.rules import Program

MAX_WORK = 20_000  # places and ways back looked at for one byte, about a microsecond each
SHIFT: Final = 32  # a place is the number of a part, shifted, with a state of the part
ACCEPT: Final = -1  # the way back out of the first rule
_SAME: Final = -2

Way = tuple[int, int]  # the call part to go on behind, and its frame; or a place and its frame


class Frame(NamedTuple):
    """The ways back out of a rule, and the fewest bytes from its end to the end of the text."""

    ways: tuple[Way, ...]
    distance: int


class Walk:
    """Where one byte leads: follows ends of parts, calls and ways back until nothing is new.

    A frame made on the way has a number below 0, one for each rule that is called: ``calls`` maps
    it to its ways back. A way back ``(_SAME, frame)`` stands for all those of another frame.
    """

    def __init__(self, program: Program, frames: list[Frame]) -> None:
        self._program = program
        self._frames = frames
        self.places: set[Way] = set()
        self.calls: dict[int, set[Way]] = {}
        self.accepts = False
        self._begun: set[Way] = set()
        self._completed: set[Way] = set()
        self._todo: list[tuple[int, int, bool]] = []
        self._left = MAX_WORK + 8 * len(program.follow)  # what has many rules may look at each

    def begin(self, parts: tuple[int, ...], frame: int) -> None:
        """Begin to read any of ``parts`` inside of ``frame``."""
        self._todo += [(part, frame, False) for part in parts]
        self._run()

    def complete(self, part: int, frame: int) -> None:
        """Go on behind ``part``."""
        self._todo.append((part, frame, True))
        self._run()

    def _run(self) -> None:
        todo = self._todo
        while todo:
            self._spend(1)
            part, frame, is_read = todo.pop()
            seen = self._completed if is_read else self._begun
            if (part, frame) in seen:
                continue
            seen.add((part, frame))
            if is_read:
                self._complete(part, frame)
            else:
                self._begin(part, frame)

    def _spend(self, amount: int) -> None:
        self._left -= amount
        if self._left < 0:
            raise TooAmbiguousError

    def _begin(self, part: int, frame: int) -> None:
        program = self._program
        if program.starts[part]:
            self.places.add(((part << SHIFT) + program.starts[part], frame))
        if program.is_nullable[part]:
            self._todo.append((part, frame, True))
        rule = program.called.get(part)
        if rule is None:
            return
        callee = -2 - rule.number
        ways = self.calls.get(callee)
        if ways is None:
            ways = self.calls[callee] = set()
            self._todo += [(first, callee, False) for first in rule.first]
        ways.add((_SAME, frame) if program.is_tail[part] else (part, frame))

    def _complete(self, part: int, frame: int) -> None:
        program = self._program
        self._todo += [(after, frame, False) for after in program.follow[part]]
        # The end of a rule that was called at this very point: it has read nothing, and whoever
        # called it has gone on already, since it is nullable.
        if not program.is_last[part] or frame < 0:
            return
        ways = self._frames[frame].ways
        self._spend(len(ways))
        for back, outer in ways:
            if back == ACCEPT:
                self.accepts = True
            else:
                self._todo.append((back, outer, True))

    def resolved(self) -> dict[int, frozenset[Way]]:
        """The ways back of every frame made, none of them a stand-in."""
        frames = self._frames
        found = {local: {w for w in ways if w[0] != _SAME} for local, ways in self.calls.items()}
        linked: dict[int, list[int]] = {}
        for local, ways in self.calls.items():
            for mark, frame in ways:
                if mark != _SAME:
                    continue
                if frame < 0:
                    linked.setdefault(frame, []).append(local)
                else:
                    found[local].update(frames[frame].ways)
                    self._spend(len(frames[frame].ways) // 4)
        todo = list(linked)
        while todo:
            source = todo.pop()
            for local in linked.get(source, ()):
                before = len(found[local])
                found[local] |= found[source]
                if len(found[local]) > before:
                    todo.append(local)
        return {local: frozenset(ways) for local, ways in found.items()}


def shape(local: int, ways: Mapping[int, frozenset[Way]]) -> object:
    """What a new frame holds, with all new frames that can be reached from it."""
    order = [local]
    for at in order:
        order += sorted({f for _, f in ways[at] if f < 0}.difference(order), reverse=True)
    return tuple((at, ways[at]) for at in order)
