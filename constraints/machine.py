"""What decoding asks of a constraint: a deterministic recogniser of bytes.

``Automaton`` is the finite one, ``Pushdown`` the one for languages that nest without end.
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import Protocol


class TooAmbiguousError(ValueError):
    """A text can be read in so many ways that no more of it is worked out."""

    def __init__(self) -> None:
        super().__init__(
            "the text can be read in too many ways: write the grammar so that it has one reading"
        )


class Machine(Protocol):
    """States are numbers; 0 is dead. Every other state lies on the way to some member.

    So a walk that is not dead can always be completed: ``prefix_ok`` is exact. All methods that
    walk may raise ``TooAmbiguousError``; an automaton never does, and no machine does on a way
    that was gone before.
    """

    @property
    def start(self) -> int:
        """The first state; 0 when there is no member at all."""

    @property
    def digest(self) -> str:
        """Names the language in caches on disk: equal digests mean equal languages."""

    @property
    def key(self) -> Hashable:
        """Names the numbering of the states: equal keys, equal states."""

    @property
    def num_states(self) -> int:
        """How many states have a number so far, the dead one included."""

    def step(self, state: int, byte: int) -> int:
        """The state after ``byte``, 0 if no member goes on like that."""

    def run(self, state: int, data: bytes) -> int:
        """The state after all of ``data``."""

    def is_accepting(self, state: int) -> bool:
        """Whether what was read is a member."""

    def is_complete(self, state: int) -> bool:
        """Whether what was read is a member and no member goes on from it."""

    def forced(self, state: int) -> bytes:
        """The bytes every member goes on with, until it may end or has a choice.

        May end inside of a character. Empty in the dead state.
        """

    def distance(self, state: int) -> int:
        """The length of the completion."""

    def completion(self, state: int) -> bytes:
        """The first, in byte order, of the shortest ways to a member; empty in the dead state.

        What is left of it after some of its bytes is the completion of the state after those.
        """

    def longest(self) -> bytes | None:
        """The first, in byte order, of the longest members; None if there is no longest one."""

    def fresh(self) -> Machine:
        """A machine of the same language that remembers no states that it met.

        One whose states are all there from the begin returns itself.
        """

    def accepts(self, data: bytes) -> bool:
        """Whether ``data`` is a member."""

    def prefix_ok(self, data: bytes) -> bool:
        """Whether some member begins with ``data``."""
