"""Automata without some of their bytes: the members with every such byte taken out."""

from __future__ import annotations

from collections.abc import Iterable

from sglc.constraints.automaton import Automaton
from sglc.constraints.minimize import canonical
from sglc.constraints.network import joint_classes
from sglc.constraints.rows import Row, overlay, regroup
from sglc.constraints.work import Work


def erase(automaton: Automaton, erased: bytes, work: Work) -> Automaton:
    """The members of ``automaton`` with the bytes of ``erased`` taken out.

    Raises:
        AutomatonTooLarge: it needs more states or work than allowed.
    """
    return _Erasure(automaton, erased).run(work)


class _Erasure:
    """Subset construction: a state of the result is a set of states, with all that erased bytes
    lead to from there.
    """

    def __init__(self, automaton: Automaton, erased: bytes) -> None:
        self._automaton = automaton
        self._erased = erased
        is_erased = bytes(byte in erased for byte in range(256))
        self._classes, first = joint_classes((automaton.classes, is_erased))
        self._columns = bytes(automaton.classes[byte] for byte in first)
        self._kept = [not is_erased[byte] for byte in first]
        self._wide: dict[bytes, bytes] = {}
        self._closures: dict[int, frozenset[int]] = {}
        self._todo: list[frozenset[int]] = [frozenset()]
        self._numbers = {frozenset[int](): 0}

    def run(self, work: Work) -> Automaton:
        automaton = self._automaton
        start = self._number((automaton.start,)) if automaton.start else 0
        rows: list[Row] = []
        accepting = set()
        for number, subset in enumerate(self._todo):
            rows.append(self._row(sorted(subset)))
            if not automaton.accepting.isdisjoint(subset):
                accepting.add(number)
            work.spend(10 + len(subset) * (2 + len(rows[-1][1]) + (len(self._columns) >> 4)))
            work.check_states(len(self._todo) - 1)
        return Automaton(canonical(self._classes, rows, accepting, start, work))

    def _row(self, states: list[int]) -> Row:
        if not states:
            return bytes(len(self._columns)), ()
        rows = [self._automaton.rows[state] for state in states]
        pattern, groups = overlay([self._widened(row[0]) for row in rows])
        targets = [
            self._number(row[1][slot - 1] for row, slot in zip(rows, group, strict=True) if slot)
            for group in groups
        ]
        return regroup(pattern, targets)

    def _widened(self, pattern: bytes) -> bytes:
        """A pattern over the columns of the result, in which erased bytes lead nowhere."""
        known = self._wide.get(pattern)
        if known is None:
            wide = self._columns.translate(pattern.ljust(256, b"\0"))
            known = bytes(slot * kept for slot, kept in zip(wide, self._kept, strict=True))
            self._wide[pattern] = known
        return known

    def _number(self, states: Iterable[int]) -> int:
        subset = frozenset[int]().union(*map(self._closure, states))
        number = self._numbers.setdefault(subset, len(self._todo))
        if number == len(self._todo):
            self._todo.append(subset)
        return number

    def _closure(self, state: int) -> frozenset[int]:
        known = self._closures.get(state)
        if known is None:
            found = {state: None}
            for each in (order := [state]):  # grows while it is read
                targets = {self._automaton.step(each, byte) for byte in self._erased}
                order += [target for target in targets if target and target not in found]
                found |= dict.fromkeys(order)
            known = self._closures[state] = frozenset(found)
        return known
