"""A regex of an automaton whose texts are ASCII, by taking away one state after another."""

from __future__ import annotations

import re
from collections.abc import Iterable

from sglc.constraints.automaton import Automaton

MAX_CHARS = 20_000


class RegexTooLongError(ValueError):
    """The regex of an automaton would be longer than ``MAX_CHARS``."""


def regex_of(automaton: Automaton) -> str:
    """Return a regex that matches the members and nothing else; they are ASCII.

    The states with the fewest ways through them go first.

    Raises:
        RegexTooLongError: it gets longer than ``MAX_CHARS`` characters.
        ValueError: there is no member, or one is not ASCII.
    """
    if automaton.is_empty:
        raise ValueError("there is no text")
    end = -1
    ways: dict[int, dict[int, str]] = {end: {}}
    for state in range(1, automaton.num_states):
        found: dict[int, list[int]] = {}
        for byte, target in automaton.edges(state).items():
            if byte > 127:
                raise ValueError("a text is not ASCII")
            found.setdefault(target, []).append(byte)
        ways[state] = {target: _class(some) for target, some in found.items()}
        if state in automaton.accepting:
            ways[state][end] = ""
    start = 0
    ways[start] = {automaton.start: ""}
    left = set(ways) - {start, end}
    while left:
        gone = min(left, key=lambda state: _cost(ways, state))
        left.remove(gone)
        _without(ways, gone)
    return ways[start][end]


def _cost(ways: dict[int, dict[int, str]], state: int) -> int:
    into = [out[state] for source, out in ways.items() if state in out and source != state]
    out = [text for target, text in ways[state].items() if target != state]
    sizes = sum(map(len, into)) * len(out) + sum(map(len, out)) * len(into)
    return sizes + len(ways[state].get(state, "")) * len(into) * len(out)


def _without(ways: dict[int, dict[int, str]], gone: int) -> None:
    out = ways.pop(gone)
    loop = out.pop(gone, None)
    middle = "" if loop is None else _single(loop) + "*"
    for targets in ways.values():
        before = targets.pop(gone, None)
        if before is None:
            continue
        for target, after in out.items():
            way = _part(before) + middle + _part(after)
            known = targets.get(target)
            targets[target] = way if known is None else _either(known, way)
            if len(targets[target]) > MAX_CHARS:
                raise RegexTooLongError(f"its regex is longer than {MAX_CHARS} characters")


def _either(left: str, right: str) -> str:
    if not left or not right:
        return _single(left or right) + "?"
    return f"{left}|{right}"


def _part(text: str) -> str:
    """The regex as a part of a sequence."""
    return f"(?:{text})" if "|" in text else text


def _single(text: str) -> str:
    """The regex as something that can be repeated."""
    return text if re.fullmatch(r"\\?.|\[[^\]]*\]", text) else f"(?:{text})"


def _class(some: Iterable[int]) -> str:
    chars = sorted(some)
    if len(chars) == 1:
        return re.escape(chr(chars[0]))
    parts: list[str] = []
    while chars:
        end = 1
        while end < len(chars) and chars[end] == chars[0] + end:
            end += 1
        first, last = re.escape(chr(chars[0])), re.escape(chr(chars[end - 1]))
        parts.append(first if end == 1 else f"{first}-{last}" if end > 2 else first + last)
        del chars[:end]
    return f"[{''.join(parts)}]"
