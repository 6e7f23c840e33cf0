"""Rules that call each other in circles, as a deterministic machine worked out while it is used.

All rules lie in one network (``network``), whose call parts stand for rules. What a text has led
to is a set of places, each a state of a part and a *frame*: which call to go on behind once the
rule is read. Frames are shared as in a graph-structured stack (Scott and Johnstone, "GLL
Parsing", 2010; Tomita, "Efficient Parsing for Natural Language", 1985): calls of one rule at one
point of the text share one frame with several ways back, so left recursion ends and ambiguity
stays polynomial. Sets of places are numbered when they are first met, and so are frames by what
they hold: texts that leave the same obligations lead to the same state, whatever came before.

Calls at the end of a rule hand their own frame on, so lists written by right recursion do not
grow it. Parts that lead to no end of their rule are taken out beforehand: every live state can be
completed.
"""

from __future__ import annotations

import copy
import itertools
from collections.abc import Mapping
from typing import Any

from sglc.constraints.frames import ACCEPT, SHIFT, Frame, Walk, Way, shape
from sglc.constraints.network import Network, Part
from sglc.constraints.rules import link
from sglc.constraints.syntax import Node
from sglc.constraints.work import MAX_STATES, Work

_LOCAL = (1 << SHIFT) - 1
_FAR = 1 << 60
_numbers = itertools.count()


class _State:
    """A set of places.

    ``targets`` maps what a byte means to all of them to the next state, ``after`` the byte itself.
    """

    __slots__ = ("accepting", "after", "distance", "only", "places", "targets")

    def __init__(self, places: tuple[Way, ...], accepting: bool, distance: int) -> None:
        self.places = places  # (part << SHIFT | state of the part, frame), sorted
        self.accepting = accepting
        self.distance = distance
        self.targets: dict[tuple[int, ...], int] = {}
        self.after: dict[int, int] = {}
        self.only: int | None = None  # the only byte that may follow, -1 for none or several


class Pushdown:
    """Implements ``Machine`` for rules.

    Not thread-safe: states are numbered as they are met, in the order in which they are asked
    for. ``digest`` names the language; the numbering is this object's own.
    """

    def __init__(
        self, rules: Mapping[str, Node], start: str, digest: str, *, max_states: int = MAX_STATES
    ) -> None:
        """Make a machine of the texts of rule ``start``.

        Raises:
            KeyError: a rule is called that is not there.
            AutomatonTooLarge: the network of the rules needs more than ``max_states`` parts.
            TextsTooLongError: a rule has long texts only.
        """
        self.digest = digest
        net = Network(Work(max_states))
        self._program = link(net, rules)
        self._parts: list[Part] = net.parts
        self._rule = self._program.rules[start]
        self._forget()

    def _forget(self) -> None:
        """Begin without any states."""
        self.key = ("pushdown", next(_numbers))
        self._frames: list[Frame] = [Frame(((ACCEPT, 0),), 0)]
        self._frame_ids: dict[object, int] = {}
        self._states: list[_State] = []
        self._ids: dict[tuple[tuple[Way, ...], bool], int] = {}
        self._intern((), False)
        walk = Walk(self._program, self._frames)
        walk.begin(self._rule.first, 0)
        self.start = self._settle(walk, self._rule.nullable)

    def fresh(self) -> Pushdown:
        """A machine of the same language that remembers no states that it met."""
        other = copy.copy(self)
        other._forget()
        return other

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Come out of a pickle under a number of this process."""
        self.__dict__.update(state)
        self.key = ("pushdown", next(_numbers))

    @property
    def num_states(self) -> int:
        """How many states have a number so far, the dead one included."""
        return len(self._states)

    def step(self, state: int, byte: int) -> int:
        """The state after ``byte``, 0 if no member goes on like that.

        Raises:
            TooAmbiguousError: there are too many ways to read what leads here.
        """
        at = self._states[state]
        known = at.after.get(byte)
        if known is not None:
            return known
        slots = []
        for place, _ in at.places:
            part = self._parts[place >> SHIFT]
            slots.append(part.rows[place & _LOCAL][0][part.classes[byte]])
        key = tuple(slots)
        found = at.targets.get(key)
        if found is None:
            found = at.targets[key] = self._advance(at, key)
        at.after[byte] = found
        return found

    def run(self, state: int, data: bytes) -> int:
        """The state after all of ``data``."""
        for byte in data:
            if not state:
                return 0
            state = self.step(state, byte)
        return state

    def is_accepting(self, state: int) -> bool:
        """Whether what was read is a member."""
        return self._states[state].accepting

    def is_complete(self, state: int) -> bool:
        """Whether what was read is a member and no member goes on from it."""
        at = self._states[state]
        return at.accepting and not at.places

    def accepts(self, data: bytes) -> bool:
        """Whether ``data`` is a member."""
        return self.is_accepting(self.run(self.start, data))

    def prefix_ok(self, data: bytes) -> bool:
        """Whether some member begins with ``data``."""
        return self.run(self.start, data) != 0

    def forced(self, state: int) -> bytes:
        """The bytes every member goes on with, until it may end or has a choice."""
        out = bytearray()
        while not self._states[state].accepting:
            byte = self._only_byte(state)
            if byte < 0:
                break
            out.append(byte)
            state = self.step(state, byte)
        return bytes(out)

    def distance(self, state: int) -> int:
        """The length of the completion."""
        return self._states[state].distance

    def completion(self, state: int) -> bytes:
        """The first, in byte order, of the shortest ways to a member; empty in the dead state."""
        out = bytearray()
        while self._states[state].distance:
            byte = self._nearer_byte(self._states[state])
            out.append(byte)
            state = self.step(state, byte)
        return bytes(out)

    def longest(self) -> bytes | None:
        """None: rules that recur have no longest member; that of others is not worked out."""
        return None

    def next_bytes(self, state: int) -> bytes:
        """The bytes that may come next, in order."""
        found: set[int] = set()
        for place, _ in self._states[state].places:
            part = self._parts[place >> SHIFT]
            found.update(self._program.live(part.classes, part.rows[place & _LOCAL][0]))
        return bytes(sorted(found))

    def _only_byte(self, state: int) -> int:
        at = self._states[state]
        if at.only is None:
            found = self.next_bytes(state)
            at.only = found[0] if len(found) == 1 else -1
        return at.only

    def _nearer_byte(self, at: _State) -> int:
        """The first byte after which the distance is one less."""
        best = 256
        for place, frame in at.places:
            number, local = place >> SHIFT, place & _LOCAL
            left = self._program.distances[number][local]
            if not left or self._distance(number, local, frame) != at.distance:
                continue
            part = self._parts[number]
            pattern, targets = part.rows[local]
            for slot, target in enumerate(targets, 1):
                if self._program.distances[number][target] == left - 1:
                    best = min(best, part.classes.index(pattern.index(slot)))
                    break
        return best

    def _distance(self, part: int, local: int, frame: int) -> int:
        return (
            self._program.distances[part][local]
            + self._program.after[part]
            + self._frames[frame].distance
        )

    def _advance(self, at: _State, slots: tuple[int, ...]) -> int:
        walk = Walk(self._program, self._frames)
        for (place, frame), slot in zip(at.places, slots, strict=True):
            if not slot:
                continue
            number = place >> SHIFT
            part = self._parts[number]
            target = part.rows[place & _LOCAL][1][slot - 1]
            if part.rows[target][1]:
                walk.places.add(((number << SHIFT) + target, frame))
            if target in part.accepting:
                walk.complete(number, frame)
        return self._settle(walk, False)

    def _settle(self, walk: Walk, accepting: bool) -> int:
        """The number of the state that a walk has led to."""
        ids = self._settle_frames(walk) if walk.calls else {}
        places = sorted({(place, ids.get(frame, frame)) for place, frame in walk.places})
        return self._intern(tuple(places), walk.accepts or accepting)

    def _intern(self, places: tuple[Way, ...], accepting: bool) -> int:
        found = self._ids.setdefault((places, accepting), len(self._states))
        if found == len(self._states):
            away = (self._distance(p >> SHIFT, p & _LOCAL, frame) for p, frame in places)
            distance = 0 if accepting else min(away, default=0)
            self._states.append(_State(places, accepting, distance))
        return found

    def _settle_frames(self, walk: Walk) -> dict[int, int]:
        """Number the frames a walk has made, by what they hold; equal ones become one."""
        ways = walk.resolved()
        ids: dict[int, int] = {}
        fresh: list[int] = []
        for local in ways:
            key = shape(local, ways)
            found = self._frame_ids.setdefault(key, len(self._frames))
            if found == len(self._frames):
                self._frames.append(Frame((), 0))
                fresh.append(local)
            ids[local] = found
        for local in fresh:
            back = sorted({(part, ids.get(frame, frame)) for part, frame in ways[local]})
            self._frames[ids[local]] = Frame(tuple(back), _FAR)
        changed = True
        while changed:
            changed = False
            for local in fresh:
                ways_back, before = self._frames[ids[local]]
                distance = min(self._way_distance(way) for way in ways_back)
                if distance < before:
                    self._frames[ids[local]] = Frame(ways_back, distance)
                    changed = True
        return ids

    def _way_distance(self, way: Way) -> int:
        part, frame = way
        return 0 if part == ACCEPT else self._program.after[part] + self._frames[frame].distance
