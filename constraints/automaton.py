"""Automata over bytes: the exact language of a constraint, one canonical machine per language.

An automaton is minimal and its states are numbered breadth first in byte order: automata of one
language have one ``digest``. Text is UTF-8; no state is reachable that no member passes through.
"""

from __future__ import annotations

import hashlib
import itertools
import sys
from array import array
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from typing import Any

from sglc.constraints.minimize import Canonical, canonical, components, number
from sglc.constraints.network import Network, chain, joint_classes
from sglc.constraints.packed import PackedRows
from sglc.constraints.product import product
from sglc.constraints.rows import Row, cells, compact, distances
from sglc.constraints.strings import chain_of, minimal_rows
from sglc.constraints.work import MAX_STATES, AutomatonTooLarge, Work

__all__ = ["MAX_STATES", "Automaton", "AutomatonTooLarge"]


class Automaton:
    """A minimal deterministic byte automaton. State 0 is dead; ``start`` is 1, or 0 if empty.

    ``table[state * num_classes + classes[byte]]`` is the next state: a flat ``array('i')``, so
    ``numpy.frombuffer(a.table, "i4").reshape(a.num_states, a.num_classes)`` is the whole machine
    and ``[:, numpy.frombuffer(a.classes, "u1")]`` widens it to 256 columns. ``num_states`` counts
    the dead state. Nothing may write into the table.
    """

    def __init__(self, data: Canonical) -> None:
        self.classes, self.rows, self.accepting = data
        self.num_classes = len(self.rows[0][0])
        self.num_states = len(self.rows)
        self.start = min(1, self.num_states - 1)

    @cached_property
    def table(self) -> array[int]:
        """The next states of all states, row by row; made when first asked for."""
        return array("i", list(itertools.chain.from_iterable(map(cells, self.rows))))

    @cached_property
    def packed(self) -> PackedRows:
        """The rows as flat arrays; made when first asked for."""
        return PackedRows.of(self.rows)

    def step(self, state: int, byte: int) -> int:
        """The state after ``byte``, 0 if no member goes on like that."""
        pattern, targets = self.rows[state]
        slot = pattern[self.classes[byte]]
        return targets[slot - 1] if slot else 0

    def run(self, state: int, data: bytes) -> int:
        """The state after all of ``data``."""
        rows = self.rows
        for column in data.translate(self.classes):
            pattern, targets = rows[state]
            slot = pattern[column]
            if not slot:
                return 0
            state = targets[slot - 1]
        return state

    def accepts(self, data: bytes) -> bool:
        """Whether ``data`` is a member."""
        return self.run(self.start, data) in self.accepting

    def prefix_ok(self, data: bytes) -> bool:
        """Whether some member begins with ``data``."""
        return self.run(self.start, data) != 0

    def is_accepting(self, state: int) -> bool:
        """Whether what was read is a member."""
        return state in self.accepting

    def is_complete(self, state: int) -> bool:
        """Whether what was read is a member and no member goes on from it."""
        return state in self.accepting and not self.rows[state][1]

    @property
    def key(self) -> str:
        """Names the numbering of the states, which is canonical: the digest."""
        return self.digest

    def fresh(self) -> Automaton:
        """The automaton itself: nothing is added to it."""
        return self

    def edges(self, state: int) -> dict[int, int]:
        """The bytes that may come next, in order, each with the state it leads to."""
        row = cells(self.rows[state])
        return {byte: row[c] for byte, c in enumerate(self.classes) if row[c]}

    def forced(self, state: int) -> bytes:
        """The bytes every member goes on with, until it may end or has a choice.

        May end inside of a character. Empty in the dead state.
        """
        out = bytearray()
        while state not in self.accepting:
            byte = self._only.get(state)
            if byte is None:
                byte = self._only[state] = self._only_byte(state)
            if byte < 0:
                break
            out.append(byte)
            state = self.step(state, byte)
        return bytes(out)

    def distance(self, state: int) -> int:
        """The length of the completion."""
        return self.distances[state]

    def completion(self, state: int) -> bytes:
        """The first, in byte order, of the shortest ways to a member; empty in the dead state."""
        out = bytearray()
        while left := self.distances[state]:
            pattern, targets = self.rows[state]
            slot, state = next(
                (slot, t) for slot, t in enumerate(targets, 1) if self.distances[t] == left - 1
            )
            out.append(self.classes.index(pattern.index(slot)))
        return bytes(out)

    @cached_property
    def distances(self) -> array[int]:
        """By state, the fewest bytes to a member; 0 in the dead state. Nothing may write here."""
        return distances(self.rows, self.accepting)

    def shortest(self) -> bytes | None:
        """The first of the shortest members in byte order; None if there is no member."""
        return self.completion(self.start) if self.start else None

    def longest(self) -> bytes | None:
        """The first, in byte order, of the longest members; None if there is no longest one."""
        if not self.start or not self.is_finite:
            return None
        out, state = bytearray(), self.start
        while left := self._lengths[state]:
            pattern, targets = self.rows[state]
            slot, state = next(
                (slot, t) for slot, t in enumerate(targets, 1) if self._lengths[t] == left - 1
            )
            out.append(self.classes.index(pattern.index(slot)))
        return bytes(out)

    def longest_len(self) -> int | None:
        """Bytes of the longest member; None if there is no longest, 0 if there is no member."""
        return self._lengths[self.start] if self._lengths else None

    @property
    def is_empty(self) -> bool:
        """Whether there is no member at all."""
        return not self.start

    @property
    def is_finite(self) -> bool:
        """Whether there are finitely many members."""
        return bool(self._lengths)

    @cached_property
    def is_closed(self) -> bool:
        """Whether no member is the beginning of another one."""
        return not any(self.rows[state][1] for state in self.accepting)

    @cached_property
    def digest(self) -> str:
        """SHA-256 in hex: equal for equal languages, whatever they were made from."""
        sha = hashlib.sha256(b"sglc automaton 1\0" + self.classes)
        for numbers in (sorted(self.accepting), *(row[1] for row in self.rows)):
            packed = array("i", numbers)
            if sys.byteorder == "big":
                packed.byteswap()
            sha.update(len(packed).to_bytes(4, "little") + packed.tobytes())
        sha.update(b"".join(row[0] for row in self.rows))
        return sha.hexdigest()

    @cached_property
    def _only(self) -> dict[int, int]:
        return {0: -1}

    def _only_byte(self, state: int) -> int:
        pattern, targets = self.rows[state]
        column = pattern.find(1)
        if len(targets) != 1 or pattern.count(1) != 1 or self.classes.count(column) != 1:
            return -1
        return self.classes.index(column)

    @cached_property
    def _lengths(self) -> list[int]:
        """By state, the most bytes to a member; empty if there is a cycle."""
        lengths = [0] * self.num_states
        for component in components(self.rows, self.start):
            state = component[0]
            targets = self.rows[state][1]
            if len(component) > 1 or state in targets:
                return []
            lengths[state] = max((lengths[t] + 1 for t in targets), default=0)
        return lengths

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Automaton) and self.digest == other.digest

    def __hash__(self) -> int:
        return hash(self.digest)

    def __repr__(self) -> str:
        return f"Automaton({self.num_states} states, {self.digest[:12]})"

    def to_data(self) -> dict[str, Any]:
        """JSON-able data that ``from_data`` reads."""
        patterns = {pattern: i for i, pattern in enumerate(dict.fromkeys(p for p, _ in self.rows))}
        return {
            "classes": self.classes.hex(),
            "patterns": [pattern.hex() for pattern in patterns],
            "rows": [[patterns[pattern], *targets] for pattern, targets in self.rows],
            "accepting": sorted(self.accepting),
        }

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> Automaton:
        """The automaton that ``to_data`` stored; made canonical again, so data may be foreign.

        Raises:
            ValueError: ``data`` is not a table of states.
        """
        try:
            classes = bytes.fromhex(data["classes"])
            patterns = [bytes.fromhex(pattern) for pattern in data["patterns"]]
            columns, first = joint_classes((classes,))
            rows: list[Row] = []
            for index, *targets in data["rows"]:
                if not all(0 < target < len(data["rows"]) for target in targets):
                    raise ValueError(f"state {len(rows)} leads to a state that does not exist")
                ways = (0, *targets)
                rows.append(compact(ways[patterns[index][classes[byte]]] for byte in first))
            if len(classes) != 256 or rows[0][1]:
                raise ValueError("not 256 byte classes and a dead state")
            accepting = frozenset(data["accepting"]) - {0}
        except (KeyError, IndexError, TypeError, ValueError) as error:
            raise ValueError(f"not the data of an automaton: {error!r}") from None
        return cls(canonical(columns, rows, accepting, min(1, len(rows) - 1)))

    @classmethod
    def from_packed(
        cls,
        classes: bytes,
        rows: PackedRows,
        accepting: frozenset[int],
        *,
        digest: str,
        distances: array[int],
    ) -> Automaton:
        """The automaton of parts that another one had; they are taken at their word."""
        made = cls(Canonical(classes, rows, accepting))
        vars(made).update(packed=rows, digest=digest, distances=distances)
        return made

    @classmethod
    def empty(cls) -> Automaton:
        """No member at all."""
        return cls.from_rows([{}], (), 0)

    @classmethod
    def from_rows(
        cls, rows: Sequence[Mapping[int, int]], accepting: Iterable[int], start: int
    ) -> Automaton:
        """From deterministic byte edges per state; ``rows[0]`` is the dead state, empty."""
        used = sorted({byte for row in rows for byte in row})
        unused = min(set(range(256)).difference(used), default=0)  # stands for all unused bytes
        order = sorted({*used, unused})
        column = {byte: c for c, byte in enumerate(order)}
        classes = bytes(column.get(byte, column[unused]) for byte in range(256))
        wide = [compact(row.get(byte, 0) for byte in order) for row in rows]
        return cls(canonical(classes, wide, frozenset(accepting), start))

    @classmethod
    def from_strings(cls, texts: Iterable[str | bytes], *, work: Work | None = None) -> Automaton:
        """Exactly these texts.

        Raises:
            AutomatonTooLarge: they need more states than allowed.
        """
        spelled = [text.encode() if isinstance(text, str) else text for text in texts]
        work = work or Work()
        if len(spelled) == 1 and 0 not in spelled[0]:
            return cls(chain_of(spelled[0], work))
        return cls.from_rows(*minimal_rows(spelled, work))

    @classmethod
    def from_regex(cls, pattern: str, *, max_states: int = MAX_STATES) -> Automaton:
        """What ``re.fullmatch(pattern, text)`` accepts.

        Raises:
            RegexError: the pattern is wrong, or its language is not regular.
            AutomatonTooLarge: it, or one on the way, needs more than ``max_states`` states.
        """
        from sglc.constraints.patterns import parse_regex

        return parse_regex(pattern).automaton(max_states=max_states)

    @classmethod
    def sequence(
        cls,
        parts: Sequence[Automaton],
        *,
        max_states: int = MAX_STATES,
        work: Work | None = None,
    ) -> Automaton:
        """A member of each part, in order."""
        net = Network(work or Work(max_states))
        return cls(net.solve(net.sequence(map(net.leaf, parts))))

    @classmethod
    def any_of(cls, parts: Sequence[Automaton], *, max_states: int = MAX_STATES) -> Automaton:
        """A member of any part."""
        net = Network(Work(max_states))
        return cls(net.solve(net.any_of([*map(net.leaf, parts)])))

    def concat(self, *others: Automaton, max_states: int = MAX_STATES) -> Automaton:
        """A member of this, then one of each other."""
        return Automaton.sequence([self, *others], max_states=max_states)

    def after(self, data: bytes) -> Automaton:
        """What may follow ``data``: the members that begin with it, without it."""
        return Automaton(
            canonical(self.classes, self.rows, self.accepting, self.run(self.start, data))
        )

    def union(self, *others: Automaton, max_states: int = MAX_STATES) -> Automaton:
        """A member of this or of any other."""
        return Automaton.any_of([self, *others], max_states=max_states)

    def star(self, *, max_states: int = MAX_STATES) -> Automaton:
        """Any number of members."""
        return self.repeat(0, None, max_states=max_states)

    def optional(self, *, max_states: int = MAX_STATES) -> Automaton:
        """A member or nothing."""
        return self.repeat(0, 1, max_states=max_states)

    def repeat(self, least: int, most: int | None, *, max_states: int = MAX_STATES) -> Automaton:
        """``least`` to ``most`` members, without end if ``most`` is None."""
        if most is not None and most < least:
            return Automaton.empty()
        if most == 0:
            return Automaton.from_strings([""])
        if most is not None:
            copies = chain(self, least, most, Work(max_states))
            if copies:
                return Automaton(number(*copies))
        net = Network(Work(max_states))
        return Automaton(net.solve(net.copies(self, least, most)))

    def intersect(self, other: Automaton, *, max_states: int = MAX_STATES) -> Automaton:
        """What is a member of both."""
        return Automaton(product(self, other, True, Work(max_states)))

    def difference(
        self, other: Automaton, *, max_states: int = MAX_STATES, work: Work | None = None
    ) -> Automaton:
        """What is a member of this and not of the other."""
        return Automaton(product(self, other, False, work or Work(max_states)))

    def complement(self, *, max_states: int = MAX_STATES) -> Automaton:
        """All texts (valid UTF-8) that are not a member."""
        from sglc.constraints.charset import ANY_TEXT, char_automaton

        return char_automaton(ANY_TEXT).star().difference(self, max_states=max_states)
