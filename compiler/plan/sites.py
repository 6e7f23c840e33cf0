"""The path of an op that a pass took out of turns, branches and calls.

An attribute of text, like ``t0/b2/c3``: turn 0 of a loop, in it branch 2 of a fork, in it the call
with site 3. For random numbers and events the op stands there and not where it is written, so the
steps are added to the path of its frame. Letters keep a turn and a call of one number apart.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final, Literal

Kind = Literal["turn", "branch", "call"]
_LETTERS: Final = {"turn": "t", "branch": "b", "call": "c"}
_PATH: Final = re.compile(r"[tbc]\d+(?:/[tbc]\d+)*")


def is_path(text: str) -> bool:
    """Whether the text is a path of at least one step."""
    return _PATH.fullmatch(text) is not None


def path_step(kind: Kind, number: int) -> str:
    """Return the path of one step."""
    return f"{_LETTERS[kind]}{number}"


def joined(outer: str, inner: str | None) -> str:
    """Return the path ``inner``, seen from outside of ``outer``."""
    return f"{outer}/{inner}" if inner else outer


def path_numbers(text: str) -> tuple[int, ...]:
    """Return the steps as they stand in the path of a frame."""
    return tuple(int(step[1:]) for step in text.split("/"))


def leaves_prompt(text: str) -> bool:
    """Whether the path leads into a branch or a call: what is named there is no capture outside."""
    return any(step[0] in "bc" for step in text.split("/"))


def path_text(numbers: Iterable[int]) -> str:
    """Return the path as events and records have it: ``0/2/3``."""
    return "/".join(map(str, numbers))
