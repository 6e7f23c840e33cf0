"""Rows of automata, kept small: which columns go the same way, and where those ways lead.

The row of a state is ``(pattern, targets)``: column ``c`` leads to ``targets[pattern[c] - 1]``, or
nowhere if ``pattern[c]`` is 0. Targets are distinct, live and in order of their first column, so
equal rows are equal pairs. Copies of a state share the pattern, which is what makes a repeated
Unicode class cheap: a row of a hundred columns has two or three targets.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Sequence

Row = tuple[bytes, tuple[int, ...]]


def compact(cells: Iterable[int]) -> Row:
    """The row that leads to ``cells[c]`` in column ``c``; 0 is nowhere.

    Raises:
        ValueError: more than 255 different targets, which no UTF-8 text needs.
    """
    slots = {0: 0}
    pattern = bytes([slots.setdefault(cell, len(slots)) for cell in cells])
    return pattern, tuple(slots)[1:]


def cells(row: Row) -> list[int]:
    """The target of every column."""
    targets = (0, *row[1])
    return [targets[slot] for slot in row[0]]


def remap(row: Row, new: Callable[[int], int]) -> Row:
    """The row after each target became ``new(target)``; 0 is nowhere."""
    targets = tuple(map(new, row[1]))
    if 0 not in targets and len(set(targets)) == len(targets):
        return row[0], targets
    slots = {0: 0}
    table = bytes([0, *(slots.setdefault(target, len(slots)) for target in targets)])
    return row[0].translate(table.ljust(256, b"\0")), tuple(slots)[1:]


def overlay(patterns: Sequence[bytes]) -> tuple[bytes, list[tuple[int, ...]]]:
    """Which columns agree in all ``patterns``, and the slots (one per pattern) of each group.

    Group ``i`` has number ``i`` in the pattern; it may be that all its slots are 0.
    """
    groups: dict[tuple[int, ...], int] = {}
    pattern = bytes([groups.setdefault(g, len(groups)) for g in zip(*patterns, strict=True)])
    return pattern, list(groups)


def regroup(pattern: bytes, targets: Sequence[int]) -> Row:
    """The row whose column ``c`` leads to ``targets[pattern[c]]``; 0 is nowhere."""
    slots = {0: 0}
    table = bytes([slots.setdefault(target, len(slots)) for target in targets])
    return pattern.translate(table.ljust(256, b"\0")), tuple(slots)[1:]


def distances(rows: Sequence[Row], accepting: Iterable[int]) -> array[int]:
    """By state, the fewest bytes to an accepting one; 0 in the dead state."""
    before: list[list[int]] = [[] for _ in rows]
    for state, (_, targets) in enumerate(rows):
        for target in targets:
            before[target].append(state)
    found = array("i", bytes(4 * len(rows)))
    order = sorted(accepting)
    seen = bytearray(len(rows))
    for state in order:
        seen[state] = 1
    for state in order:
        for source in before[state]:
            if not seen[source]:
                seen[source] = 1
                found[source] = found[state] + 1
                order.append(source)
    return found
