"""Products of automata: what both accept, and what one accepts and the other does not."""

from __future__ import annotations

from sglc.constraints.minimize import Canonical, canonical
from sglc.constraints.network import Part, joint_classes
from sglc.constraints.rows import Row, overlay, regroup
from sglc.constraints.work import Work


def product(left: Part, right: Part, both: bool, work: Work) -> Canonical:
    """What ``left`` accepts and ``right`` does too, or unless ``both``, does not.

    Raises:
        AutomatonTooLarge: that needs more states or work than allowed.
    """
    classes, first = joint_classes((left.classes, right.classes))
    mine, theirs = (bytes(a.classes[byte] for byte in first) for a in (left, right))
    pairs = _Pairs(both)
    start = pairs[left.start, right.start]
    rows: list[Row] = [(bytes(len(first)), ())]
    accepting = set()
    for state, (one, other) in enumerate(pairs.todo):
        if not state:
            continue
        work.check_states(len(pairs.todo) - 1)
        work.spend(12 + (len(first) >> 3))
        if one in left.accepting and (other in right.accepting) == both:
            accepting.add(state)
        pattern, groups = overlay(
            [
                mine.translate(left.rows[one][0].ljust(256, b"\0")),
                theirs.translate(right.rows[other][0].ljust(256, b"\0")),
            ]
        )
        ways = (0, *left.rows[one][1]), (0, *right.rows[other][1])
        rows.append(regroup(pattern, [pairs[ways[0][a], ways[1][b]] for a, b in groups]))
    return canonical(classes, rows, accepting, start, work)


class _Pairs(dict[tuple[int, int], int]):
    """Numbers of pairs of states in the order they are met; pairs that can accept nothing are 0."""

    def __init__(self, both: bool) -> None:
        super().__init__()
        self._both = both
        self.todo: list[tuple[int, int]] = [(0, 0)]

    def __missing__(self, pair: tuple[int, int]) -> int:
        dead = not pair[0] or (self._both and not pair[1])
        if not dead:
            self.todo.append(pair)
        self[pair] = found = 0 if dead else len(self.todo) - 1
        return found
