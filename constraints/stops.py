"""Texts that contain none of some others, and texts that end with the first one they contain."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from sglc.constraints.automaton import MAX_STATES, Automaton
from sglc.constraints.charset import ANY_TEXT
from sglc.constraints.syntax import Chars, Repeat, Text, alt, seq

MAX_STOP_BYTES: Final = 4_096  # of all stop texts of one decode


def containing(texts: Sequence[str]) -> Automaton:
    """All texts that contain one of ``texts``."""
    anything = Repeat(Chars(ANY_TEXT), 0, None)
    return seq(anything, alt(*map(Text, texts)), anything).automaton()


def stopped(machine: Automaton, stops: Sequence[str], *, max_states: int = MAX_STATES) -> Automaton:
    """What a model may write for a member that a stop text may end.

    The members that contain no stop text; and, unless no member goes on to another one, those with
    a stop text behind them that is the first to be complete, and the longest of those complete at
    the same byte. So what stands before the stop text is always a member.

    Raises:
        ValueError: the stop texts are longer than ``MAX_STOP_BYTES`` together.
        AutomatonTooLarge: more than ``max_states`` states are needed.
    """
    size = sum(len(stop.encode()) for stop in stops)
    if size > MAX_STOP_BYTES:
        raise ValueError(
            f"stop texts of {size} bytes in all are too long: at most {MAX_STOP_BYTES} go with it"
        )
    free = machine.difference(containing(stops), max_states=max_states)
    if machine.is_closed:
        return free
    ended = [
        free.concat(Automaton.from_strings([stop]), max_states=max_states).intersect(
            first_at_end, max_states=max_states
        )
        for stop, first_at_end in _first_at_end(stops).items()
    ]
    return free.union(*ended, max_states=max_states)


def _first_at_end(stops: Sequence[str]) -> dict[str, Automaton]:
    """By stop text, the byte strings that end where one is complete for the first time.

    The longest one that is complete there. Aho and Corasick, "Efficient string matching" (1975):
    a state is the longest end of what was read that begins a stop text.
    """
    texts = {stop.encode(): stop for stop in stops}
    begins = sorted({text[:n] for text in texts for n in range(len(text) + 1)}, key=len)
    number = {begin: i for i, begin in enumerate(begins, 1)}
    rows: list[dict[int, int]] = [{} for _ in range(len(begins) + 1)]
    ends: dict[str, list[int]] = {stop: [] for stop in texts.values()}
    fallback: dict[bytes, bytes] = {b"": b""}
    following: list[dict[int, int]] = [{} for _ in rows]
    for begin in begins:
        state = number[begin]
        shorter = following[number[fallback[begin]]] if begin else dict.fromkeys(range(256), 1)
        ways = following[state] = dict(shorter)
        for byte in range(256):
            longer = begin + bytes([byte])
            if longer in number:
                fallback[longer] = begins[ways[byte] - 1] if begin else b""
                ways[byte] = number[longer]
        found = next((texts[begin[n:]] for n in range(len(begin)) if begin[n:] in texts), None)
        if found is None:
            rows[state] = ways
        else:
            ends[found].append(state)
    return {stop: Automaton.from_rows(rows, states, 1) for stop, states in ends.items()}
