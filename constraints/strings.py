"""The minimal automaton of a list of texts, made without a tree of all of them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from sglc.constraints.minimize import Canonical
from sglc.constraints.rows import Row
from sglc.constraints.work import Work


class StringRows(NamedTuple):
    """Byte edges by state, of which the first is the dead one."""

    rows: list[dict[int, int]]
    accepting: set[int]
    start: int


def minimal_rows(texts: Iterable[bytes], work: Work) -> StringRows:
    """The states that tell these texts from all others, and no more.

    Sorted texts are added one by one; whatever the next one does not share with the last one is
    done with and becomes an equal state that is known, or a new one (Daciuk, Mihov, Watson and
    Watson, "Incremental Construction of Minimal Acyclic Finite-State Automata").

    Raises:
        AutomatonTooLarge: more states than ``work`` allows.
    """
    known: dict[tuple[bool, tuple[tuple[int, int], ...]], int] = {}
    rows: list[dict[int, int]] = [{}]
    accepting: set[int] = set()
    last = b""
    path: list[dict[int, int]] = [{}]  # the open states, one for each byte of the last text
    ends: list[bool] = [False]  # whether they accept

    def close(size: int) -> None:
        """Settle the states of the path from the end until ``size`` are left."""
        while len(path) > size:
            row, end = path.pop(), ends.pop()
            state = known.setdefault((end, tuple(row.items())), len(rows))
            if state == len(rows):
                rows.append(row)
                work.check_states(state)
                if end:
                    accepting.add(state)
            if path:
                path[-1][last[len(path) - 1]] = state

    for text in sorted(set(texts)):
        work.check_states(len(text) + 1)
        shared = _shared(last, text)
        close(shared + 1)
        last = text
        for _ in range(shared, len(text)):
            path.append({})
            ends.append(False)
        ends[-1] = True
    close(1)
    root = path[0]
    rows.append(root)
    if ends[0]:
        accepting.add(len(rows) - 1)
    return StringRows(rows, accepting, len(rows) - 1)


def chain_of(text: bytes, work: Work) -> Canonical:
    """The automaton of one text without NUL, canonical as it is.

    Each of its bytes has a class, all others share the first one.

    Raises:
        AutomatonTooLarge: more states than ``work`` allows.
    """
    work.check_states(len(text) + 1)
    used = sorted(set(text))
    classes = bytearray(256)
    for column, byte in enumerate(used, 1):
        classes[byte] = column
    dead = bytes(len(used) + 1)
    patterns = {byte: dead[: classes[byte]] + b"\1" + dead[classes[byte] + 1 :] for byte in used}
    rows: list[Row] = [(dead, ())]
    rows += [(patterns[byte], (state,)) for state, byte in enumerate(text, 2)]
    rows.append((dead, ()))
    return Canonical(bytes(classes), rows, frozenset((len(text) + 1,)))


def _shared(one: bytes, other: bytes) -> int:
    """How many bytes both begin with."""
    length = min(len(one), len(other))
    if one[:length] == other[:length]:
        return length
    return next(i for i in range(length) if one[i] != other[i])
