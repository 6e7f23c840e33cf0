"""A machine behind bytes that are given: text that a prompt withheld, to be written again."""

from __future__ import annotations

import hashlib
from collections.abc import Hashable
from functools import cache

from sglc.constraints.automaton import Automaton
from sglc.constraints.machine import Machine


class Prefixed:
    """Implements Machine: ``prefix``, which is not empty, then a member of ``inner``.

    State ``1 + n`` is the one after ``n`` bytes of the prefix, ``len(prefix) + s`` the inner
    machine's state ``s``.
    """

    def __init__(self, prefix: bytes, inner: Machine) -> None:
        self.prefix = prefix
        self.inner = inner

    @property
    def start(self) -> int:
        """Before the prefix; 0 when the inner machine has no member."""
        return 1 if self.inner.start else 0

    @property
    def digest(self) -> str:
        """Names the language."""
        named = b"sglc prefixed 1\0" + self.inner.digest.encode() + b"\0" + self.prefix
        return hashlib.sha256(named).hexdigest()

    @property
    def key(self) -> Hashable:
        """Names the numbering."""
        return ("prefixed", self.prefix, self.inner.key)

    @property
    def num_states(self) -> int:
        """How many states have a number so far."""
        return len(self.prefix) + self.inner.num_states

    def inner_state(self, state: int) -> int:
        """The inner machine's state; 0 while the prefix is being read, or dead."""
        return max(0, state - len(self.prefix))

    def step(self, state: int, byte: int) -> int:
        """The state after ``byte``, 0 if no member goes on like that."""
        size = len(self.prefix)
        if 0 < state <= size:
            if self.prefix[state - 1] != byte:
                return 0
            return state + 1 if state < size else self._outer(self.inner.start)
        return self._outer(self.inner.step(self.inner_state(state), byte))

    def run(self, state: int, data: bytes) -> int:
        """The state after all of ``data``."""
        left = self._left(state)
        if not left:
            return self._outer(self.inner.run(self.inner_state(state), data))
        if len(data) < len(left):
            return state + len(data) if left.startswith(data) else 0
        if not data.startswith(left):
            return 0
        return self._outer(self.inner.run(self.inner.start, data[len(left) :]))

    def accepts(self, data: bytes) -> bool:
        """Whether ``data`` is a member."""
        return self.is_accepting(self.run(self.start, data))

    def prefix_ok(self, data: bytes) -> bool:
        """Whether some member begins with ``data``."""
        return self.run(self.start, data) != 0

    def is_accepting(self, state: int) -> bool:
        """Whether what was read is a member."""
        return self.inner.is_accepting(self.inner_state(state))

    def is_complete(self, state: int) -> bool:
        """Whether what was read is a member and no member goes on from it."""
        return self.inner.is_complete(self.inner_state(state))

    def forced(self, state: int) -> bytes:
        """The bytes every member goes on with, until it may end or has a choice."""
        left = self._left(state)
        return left + self.inner.forced(self.inner.start if left else self.inner_state(state))

    def distance(self, state: int) -> int:
        """The length of the completion."""
        left = self._left(state)
        return len(left) + self.inner.distance(
            self.inner.start if left else self.inner_state(state)
        )

    def completion(self, state: int) -> bytes:
        """The first, in byte order, of the shortest ways to a member; empty in the dead state."""
        left = self._left(state)
        return left + self.inner.completion(self.inner.start if left else self.inner_state(state))

    def longest(self) -> bytes | None:
        """The first, in byte order, of the longest members; None if there is no longest one."""
        longest = self.inner.longest()
        return None if longest is None else self.prefix + longest

    def fresh(self) -> Machine:
        """A machine of the same language that remembers no states that it met."""
        inner = self.inner.fresh()
        return self if inner is self.inner else Prefixed(self.prefix, inner)

    def _left(self, state: int) -> bytes:
        return self.prefix[state - 1 :] if state else b""

    def _outer(self, inner_state: int) -> int:
        return inner_state + len(self.prefix) if inner_state else 0


@cache
def any_bytes() -> Automaton:
    """All byte strings."""
    return Automaton.from_rows([{}, dict.fromkeys(range(256), 1)], {1}, 1)
