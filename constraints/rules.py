"""Rules linked into one network, and what can be said of its parts before any text is read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, NamedTuple

from sglc.constraints.automaton import Automaton
from sglc.constraints.network import Fragment, Network, Part
from sglc.constraints.rows import distances
from sglc.constraints.shortened import ShortenedPart
from sglc.constraints.syntax import PLAIN, Node

_FAR = 1 << 60
MAX_SHORTEST_BYTES: Final = 1 << 17  # no budget has room for more, and no memory for the ways


class TextsTooLongError(ValueError):
    """An alternative of a rule has no text that a model could ever write."""

    def __init__(self, num_bytes: int) -> None:
        super().__init__(
            f"an alternative of a rule has no text of less than {num_bytes} bytes: at most "
            f"{MAX_SHORTEST_BYTES} can be worked with, so lower the counts of its repetitions"
        )


class Rule(NamedTuple):
    """A rule by its number, where it begins, and whether it has the empty text."""

    number: int
    first: tuple[int, ...]
    nullable: bool


@dataclass(frozen=True, slots=True)
class Program:
    """All rules; lists are by number of the part.

    Parts that do not lead to the end of their rule are in no ``first`` and no ``follow``.

    Attributes:
        rules: by name; one without any text has nothing in ``first``.
        called: the rule that a call part calls.
        follow: the parts that may begin where the part is read.
        starts: the start state of a part that reads bytes, 0 for others.
        is_nullable: whether the part can be skipped.
        is_last: whether its rule may end behind it.
        is_tail: whether its rule always ends behind it.
        distances: by state of the part, the fewest bytes to its end.
        after: the fewest bytes from the end of the part to the end of its rule.
    """

    rules: dict[str, Rule]
    called: dict[int, Rule]
    follow: list[tuple[int, ...]]
    starts: list[int]
    is_nullable: list[bool]
    is_last: list[bool]
    is_tail: list[bool]
    distances: list[Sequence[int]]
    after: list[int]

    @staticmethod
    @lru_cache(maxsize=4096)
    def live(classes: bytes, pattern: bytes) -> bytes:
        """The bytes that lead on from a row with this pattern."""
        return bytes(byte for byte in range(256) if pattern[classes[byte]])


def link(net: Network, rules: Mapping[str, Node]) -> Program:
    """Put all rules into ``net``.

    Raises:
        KeyError: a rule is called that is not there.
        AutomatonTooLarge: a rule needs too many parts.
        TextsTooLongError: a rule has long texts only.
    """
    fragments = {name: node.fragment(net, PLAIN) for name, node in rules.items()}
    for called in net.calls.values():
        if called not in fragments:
            raise KeyError(called)
    return _Linker(net, fragments).program()


class _Linker:
    def __init__(self, net: Network, fragments: dict[str, Fragment]) -> None:
        self._net = net
        self._fragments = fragments
        self._follow = net.follow
        self._before: list[list[int]] = [[] for _ in net.parts]
        for part, after in enumerate(net.follow):
            for other in after:
                self._before[other].append(part)
        self._callers: dict[str, list[int]] = {}
        for part, name in net.calls.items():
            self._callers.setdefault(name, []).append(part)
        self._is_last = [False] * len(net.parts)
        self._first_of: dict[int, list[str]] = {}
        for name, fragment in fragments.items():
            for part in fragment.last:
                self._is_last[part] = True
            for part in fragment.first:
                self._first_of.setdefault(part, []).append(name)

    def program(self) -> Program:
        net, parts = self._net, self._net.parts
        distances = [_part_distances(part) for part in parts]
        across = [d[p.start] if p.start else _FAR for d, p in zip(distances, parts, strict=True)]
        after = self._shortest(across)
        useful = [a < _FAR and b < _FAR for a, b in zip(across, after, strict=True)]
        away = (a + b for a, b in zip(across, after, strict=True) if a + b < _FAR)
        longest = max(away, default=0)
        if longest > MAX_SHORTEST_BYTES:
            raise TextsTooLongError(longest)
        nullable = self._nullable()
        rules = {
            name: Rule(
                number,
                tuple(part for part in fragment.first if useful[part]),
                nullable[name],
            )
            for number, (name, fragment) in enumerate(self._fragments.items())
        }
        follow = [tuple(dict.fromkeys(o for o in f if useful[o])) for f in net.follow]
        return Program(
            rules=rules,
            called={part: rules[name] for part, name in net.calls.items()},
            follow=follow,
            starts=[_live_start(part) for part in parts],
            is_nullable=[
                nullable[net.calls[i]] if i in net.calls else part.start in part.accepting
                for i, part in enumerate(parts)
            ],
            is_last=self._is_last,
            is_tail=[last and not f for last, f in zip(self._is_last, follow, strict=True)],
            distances=distances,
            after=after,
        )

    def _shortest(self, across: list[int]) -> list[int]:
        """Fewest bytes from the end of each part to that of its rule.

        ``across``, the fewest bytes through each part, is completed for calls. Values only get
        smaller, each when one it depends on did (Knuth, "A Generalization of Dijkstra's
        Algorithm", 1977, without the order).
        """
        after = [0 if last else _FAR for last in self._is_last]
        least = {name: 0 if f.empty else _FAR for name, f in self._fragments.items()}
        todo = list(range(len(after)))
        for name, value in least.items():
            if not value:
                for part in self._callers.get(name, ()):
                    across[part] = 0
        while todo:
            part = todo.pop()
            whole = across[part] + after[part]
            if whole >= _FAR:
                continue
            for before in self._before[part]:
                if whole < after[before]:
                    after[before] = whole
                    todo.append(before)
            for name in self._first_of.get(part, ()):
                if whole < least[name]:
                    least[name] = whole
                    for caller in self._callers.get(name, ()):
                        across[caller] = whole
                        todo.append(caller)
        return after

    def _nullable(self) -> dict[str, bool]:
        """Which rules have the empty text."""
        net = self._net
        skips = [part.start in part.accepting for part in net.parts]
        passes = list(self._is_last)  # whether the rule may end behind the part
        found = {name: fragment.empty for name, fragment in self._fragments.items()}
        todo = list(range(len(skips)))
        for name, is_empty in found.items():
            if is_empty:
                for caller in self._callers.get(name, ()):
                    skips[caller] = True
        while todo:
            part = todo.pop()
            if not (skips[part] and passes[part]):
                continue
            for before in self._before[part]:
                if not passes[before]:
                    passes[before] = True
                    todo.append(before)
            for name in self._first_of.get(part, ()):
                if not found[name]:
                    found[name] = True
                    for caller in self._callers.get(name, ()):
                        skips[caller] = True
                        todo.append(caller)
        return found


def _live_start(part: Part) -> int:
    return part.start if part.start and part.rows[part.start][1] else 0


def _part_distances(part: Part) -> Sequence[int]:
    if isinstance(part, Automaton | ShortenedPart):
        return part.distances
    return distances(part.rows, part.accepting)
