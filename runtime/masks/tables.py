"""Machines as numpy walks them: the next states of many states at once, learnt while walking."""

from __future__ import annotations

from typing import Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from sglc.constraints.automaton import Automaton
from sglc.constraints.machine import Machine, TooAmbiguousError
from sglc.runtime.masks.trie import Ints, Longs

MAX_PLACES = 2048  # of 2 KiB each
_UNKNOWN = -1
_T = TypeVar("_T", np.int32, np.int64)


class Source(Protocol):
    """Where rows come from."""

    def rows(self, states: Ints, byte: Longs) -> tuple[Ints, Longs, Ints]:
        """Return the steps that were asked for, ``byte[i]`` in ``states[i]``, and maybe others.

        State, byte and next state: three arrays that go together by numpy's rules.
        """

    def accepting(self, states: Ints) -> NDArray[np.bool_]:
        """Return which are accepting, [n]."""

    def distances(self, states: Ints) -> Ints:
        """Return the bytes of each state's completion, 0 for the dead one, [n]."""


class Tables:
    """Next states of the states that walks came through.

    A state gets a place: that of state 0 is 0, the others are further multiples of 256, and a step
    is ``next[place + byte]``. Places hold until ``begin`` is called.
    """

    def __init__(self, machine: Machine) -> None:
        self._source: Source = (
            AutomatonSource(machine) if isinstance(machine, Automaton) else MachineSource(machine)
        )
        self._forget(machine.num_states)

    def _forget(self, num_states: int) -> None:
        self._place_of = np.full(num_states, _UNKNOWN, np.int64)  # by state
        self._place_of[0] = 0
        self._num_places = 1
        self._states = np.zeros(256, np.int32)  # by place
        self._next = np.full(256 * 256, _UNKNOWN, np.int64)
        self._next[:256] = 0

    @property
    def num_bytes(self) -> int:
        """Size of the table in memory."""
        return self._next.nbytes

    def begin(self, states: Ints) -> Longs:
        """Return the places of the states that a walk begins with; all others may be forgotten."""
        if self._num_places > MAX_PLACES:
            self._forget(len(self._place_of))
        return self._places(states)

    def step(self, places: Longs, byte: Longs) -> Longs:
        """Return the places after ``byte``, [n]."""
        at = places + byte
        found = self._next.take(at)
        if found.min(initial=0) < 0:
            unknown = np.flatnonzero(found < 0)
            at = at.take(unknown)
            self._learn(distinct(at, len(self._next)))
            found[unknown] = self._next.take(at)
        return found

    def _learn(self, asked: Longs) -> None:
        states, byte, targets = self._source.rows(self.states(asked), asked & 255)
        found = self._places(targets)  # first: it may move the table
        self._next[self._places(states) + byte] = found

    def states(self, places: Longs) -> Ints:
        """Return the states at ``places``."""
        return self._states.take(places >> 8)

    def accepting(self, places: Longs) -> NDArray[np.bool_]:
        """Return which are accepting, [n]."""
        return self._source.accepting(self.states(places))

    def distances(self, states: Ints) -> Ints:
        """Return the bytes of each state's completion, [n]."""
        return self._source.distances(states)

    def _places(self, states: Ints) -> Longs:
        most = int(states.max(initial=0))
        if most >= len(self._place_of):
            self._place_of = _grown(self._place_of, most + 1, _UNKNOWN)
        found = self._place_of.take(states)
        if found.min(initial=0) >= 0:
            return found
        new = distinct(states[found < 0], len(self._place_of))
        end = self._num_places + len(new)
        if end > len(self._states):
            self._states = _grown(self._states, end, 0)
            self._next = _grown(self._next, len(self._states) * 256, _UNKNOWN)
        self._states[self._num_places : end] = new
        self._place_of[new] = np.arange(self._num_places, end) << 8
        self._num_places = end
        return self._place_of.take(states)


def distinct(numbers: NDArray[_T], size: int) -> Longs:
    """Return the numbers in order, without repetition; all are below ``size``."""
    if len(numbers) * 64 < size:
        return np.unique(numbers).astype(np.int64)
    found = np.zeros(size, bool)
    found[numbers] = True
    return np.flatnonzero(found)


def _grown(old: NDArray[_T], size: int, value: int) -> NDArray[_T]:
    new = np.full(max(size, 2 * len(old)), value, old.dtype)
    new[: len(old)] = old
    return new


class AutomatonSource:
    """All of an automaton: whole rows, read off its arrays."""

    def __init__(self, automaton: Automaton) -> None:
        packed = automaton.packed
        classes = np.frombuffer(automaton.classes, np.uint8)
        patterns = np.frombuffer(packed.patterns, np.uint8).reshape(-1, packed.num_classes)
        self._patterns = patterns[:, classes]  # [patterns, 256]
        self._pattern_of = np.frombuffer(packed.pattern_of, np.int32)
        self._way_of = np.frombuffer(packed.way_of, np.int32)
        self._ways = np.frombuffer(packed.ways, np.int32)
        self._automaton = automaton
        self._accepting = np.zeros(automaton.num_states, dtype=bool)
        self._accepting[list(automaton.accepting)] = True

    def rows(self, states: Ints, byte: Longs) -> tuple[Ints, Longs, Ints]:
        """Return the whole rows of the states: [n, 1], [256] and [n, 256]."""
        states = distinct(states, len(self._pattern_of)).astype(np.int32)
        slots = self._patterns[self._pattern_of.take(states)]
        targets = self._ways[self._way_of.take(states)[:, None] + slots]
        return states[:, None], np.arange(256), targets

    def accepting(self, states: Ints) -> NDArray[np.bool_]:
        """Return which are accepting."""
        return self._accepting.take(states)

    def distances(self, states: Ints) -> Ints:
        """Return the bytes of each state's completion."""
        return np.frombuffer(self._automaton.distances, np.int32).take(states)


class MachineSource:
    """A machine whose states are numbered as they are met: it is asked for what is wanted."""

    def __init__(self, machine: Machine) -> None:
        self._machine = machine
        self._accepting = np.zeros(0, bool)  # by state

    def rows(self, states: Ints, byte: Longs) -> tuple[Ints, Longs, Ints]:
        """Return just the steps that were asked for."""
        pairs = zip(states.tolist(), byte.tolist(), strict=True)
        return states, byte, np.array([self._step(s, b) for s, b in pairs], np.int32)

    def _step(self, state: int, byte: int) -> int:
        try:
            return self._machine.step(state, byte)
        except TooAmbiguousError:
            return 0  # what cannot be worked out is not allowed

    def accepting(self, states: Ints) -> NDArray[np.bool_]:
        """Return which are accepting."""
        begin, end = len(self._accepting), self._machine.num_states
        if begin < end:
            new = [self._machine.is_accepting(state) for state in range(begin, end)]
            self._accepting = np.concatenate([self._accepting, np.array(new, bool)])
        return self._accepting.take(states)

    def distances(self, states: Ints) -> Ints:
        """Return the bytes of each state's completion."""
        return np.array([self._machine.distance(state) for state in states.tolist()], np.int32)
