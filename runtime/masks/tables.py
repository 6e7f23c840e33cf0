"""Machines as numpy walks them: the next states of many states at once."""

from __future__ import annotations

from typing import Final, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from sglc.constraints.automaton import Automaton
from sglc.constraints.machine import Machine, TooAmbiguousError
from sglc.runtime.masks.trie import Ints, Longs

MAX_PLACES: Final = 2048  # of a machine that grows, 2 KiB each
_SMALL_STATES: Final = 512  # of an automaton that gets a whole table, of 1 MiB then
_UNKNOWN: Final = -1
_T = TypeVar("_T", np.int32, np.int64)


class Tables(Protocol):
    """Steps of a machine, n at once.

    A state has a place, a number that steps go by: 0 is that of the dead state. Places hold until
    ``begin`` is called.
    """

    def begin(self, states: Ints) -> Longs:
        """Return the places of the states that a walk begins with, [n]."""

    def step(self, places: Longs, byte: Longs) -> Longs:
        """Return the places after ``byte``, [n]."""

    def states(self, places: Longs) -> Ints:
        """Return the states at ``places``, [n]."""

    def accepting(self, places: Longs) -> NDArray[np.bool_]:
        """Return which are accepting, [n]."""

    def distances(self, states: Ints) -> Ints:
        """Return the bytes of each state's completion, 0 for the dead one, [n]."""


def tables_of(machine: Machine) -> Tables:
    """Return the tables that suit a machine."""
    return AutomatonTables(machine) if isinstance(machine, Automaton) else GrowingTables(machine)


class AutomatonTables:
    """An automaton, whose places are its states.

    A small one has a table of all steps. A large one is read as it is packed: that takes four
    look-ups, but nothing has to be made first, and they are in arrays that fit into a cache.
    """

    def __init__(self, automaton: Automaton) -> None:
        packed = automaton.packed
        classes = np.frombuffer(automaton.classes, np.uint8)
        patterns = np.frombuffer(packed.patterns, np.uint8).reshape(-1, packed.num_classes)
        self._slots = patterns[:, classes].ravel()  # [patterns * 256]
        self._slots_of = np.frombuffer(packed.pattern_of, np.int32).astype(np.int64) * 256
        self._ways_of = np.frombuffer(packed.way_of, np.int32).astype(np.int64)
        self._ways = np.frombuffer(packed.ways, np.int32).astype(np.int64)
        self._accepting = np.zeros(automaton.num_states, dtype=bool)
        self._accepting[list(automaton.accepting)] = True
        self._automaton = automaton
        self._next: Longs | None = None
        if automaton.num_states <= _SMALL_STATES:
            states = np.repeat(np.arange(automaton.num_states), 256)
            self._next = self.step(states, np.tile(np.arange(256), automaton.num_states))

    def begin(self, states: Ints) -> Longs:
        """Return the places of states."""
        return states.astype(np.int64)

    def step(self, places: Longs, byte: Longs) -> Longs:
        """Return the places after ``byte``, [n]."""
        if self._next is not None:
            return self._next.take((places << 8) + byte)
        at = self._slots_of.take(places)
        at += byte
        ways = self._ways_of.take(places)
        ways += self._slots.take(at)
        return self._ways.take(ways)

    def states(self, places: Longs) -> Ints:
        """Return the states at ``places``, [n]."""
        return places.astype(np.int32)

    def accepting(self, places: Longs) -> NDArray[np.bool_]:
        """Return which are accepting, [n]."""
        return self._accepting.take(places)

    def distances(self, states: Ints) -> Ints:
        """Return the bytes of each state's completion, [n]."""
        return np.frombuffer(self._automaton.distances, np.int32).take(states)


class GrowingTables:
    """What walks have learnt of a machine whose states are numbered as they are met.

    Places are multiples of 256, and a step is ``next[place + byte]``. When there are too many they
    are all forgotten: a machine may have states without end.
    """

    def __init__(self, machine: Machine) -> None:
        self._machine = machine
        self._accepts = np.zeros(0, bool)  # by state
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
        """Return the places after ``byte``, [n]; the machine is asked for steps never made."""
        at = places + byte
        found = self._next.take(at)
        if found.min(initial=0) < 0:
            unknown = np.flatnonzero(found < 0)
            at = at.take(unknown)
            self._learn(distinct(at, self._num_places << 8))
            found[unknown] = self._next.take(at)
        return found

    def states(self, places: Longs) -> Ints:
        """Return the states at ``places``, [n]."""
        return self._states.take(places >> 8)

    def accepting(self, places: Longs) -> NDArray[np.bool_]:
        """Return which are accepting, [n]."""
        begin, end = len(self._accepts), self._machine.num_states
        if begin < end:
            new = [self._machine.is_accepting(state) for state in range(begin, end)]
            self._accepts = np.concatenate([self._accepts, np.array(new, bool)])
        return self._accepts.take(self.states(places))

    def distances(self, states: Ints) -> Ints:
        """Return the bytes of each state's completion, [n]."""
        return np.array([self._machine.distance(state) for state in states.tolist()], np.int32)

    def _learn(self, asked: Longs) -> None:
        """Make the steps ``asked``, each a place and a byte."""
        pairs = zip(self.states(asked).tolist(), (asked & 255).tolist(), strict=True)
        targets = [self._step(state, byte) for state, byte in pairs]
        found = self._places(np.array(targets, np.int32))  # first: it may move the table
        self._next[asked] = found

    def _step(self, state: int, byte: int) -> int:
        try:
            return self._machine.step(state, byte)
        except TooAmbiguousError:
            return 0  # what cannot be worked out is not allowed

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
