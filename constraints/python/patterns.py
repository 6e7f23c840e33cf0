"""Patterns as models and JSON Schemas mean them: found anywhere, ``$`` only at the very end."""

from __future__ import annotations

import re
from functools import lru_cache

from sglc.constraints.types import Regex

_ANY = r"[\s\S]*"
_MULTILINE = re.compile(r"\(\?[a-zA-Z]*m")


@lru_cache(maxsize=256)
def searched(pattern: str) -> Regex:
    """The texts in which ``pattern`` is found. Nothing is checked; see ``constraints.regex``."""
    if _MULTILINE.search(pattern):
        return Regex(f"{_ANY}(?:{pattern}){_ANY}")
    text, splits = _with_hard_end(pattern)
    begins = text.startswith("^") and not splits
    ends = text.endswith(r"\Z") and not splits
    inside = text[1:] if begins else text
    inside = inside[:-2] if ends else inside
    whole = inside if begins and ends else f"(?:{inside})"
    return Regex(("" if begins else _ANY) + whole + ("" if ends else _ANY))


def _with_hard_end(pattern: str) -> tuple[str, bool]:
    r"""The pattern with ``\Z`` for ``$``, and whether it is a choice at its top."""
    out: list[str] = []
    depth, in_class, splits, at = 0, False, False, 0
    while at < len(pattern):
        char = pattern[at]
        if char == "\\":
            out.append(pattern[at : at + 2])
            at += 2
            continue
        if in_class:
            in_class = char != "]"
        elif char == "[":
            in_class = True
            head = re.compile(r"\[\^?\]?").match(pattern, at)
            assert head is not None
            out.append(head[0])
            at = head.end()
            continue
        elif char in "()":
            depth += 1 if char == "(" else -1
        elif char == "|" and depth == 0:
            splits = True
        out.append(r"\Z" if char == "$" and not in_class else char)
        at += 1
    return "".join(out), splits
