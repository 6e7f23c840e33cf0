"""Where a decode stands in its constraint."""

from __future__ import annotations

from sglc.runtime.core.script import Constraint
from sglc.runtime.masks.cache import Mask, MaskCache


class Guide:
    """The state of one constraint walk; a state of 0 at the start means that it admits no text."""

    __slots__ = ("_cache", "_constraint", "state")

    def __init__(self, constraint: Constraint, cache: MaskCache) -> None:
        self._constraint = constraint
        self._cache = cache
        self.state = constraint.machine.start

    @property
    def is_complete(self) -> bool:
        """Whether the text is a member and nothing can be added to it."""
        return self._constraint.machine.is_complete(self.state)

    def forced(self) -> tuple[bytes, bool]:
        """Return the bytes that must come next, and whether they complete the value."""
        machine = self._constraint.machine
        data = machine.forced(self.state)
        return data, bool(data) and machine.is_complete(machine.run(self.state, data))

    def mask(self) -> Mask:
        """Return which tokens may come next."""
        return self._cache.get(self._constraint, self.state)

    def advance(self, piece: bytes) -> tuple[int, bool]:
        """Walk over the bytes of an allowed token that does not end the text by itself.

        Returns how many of the bytes belong to the value, and whether the decode is over: the
        value is complete, or the token left it (end rule ``leave``).
        """
        if not piece:
            return 0, True  # a special token: allowed by `leave` only
        machine = self._constraint.machine
        state = self.state
        kept = 0
        for at, byte in enumerate(piece, 1):
            state = machine.step(state, byte)
            if state == 0:
                return kept, True
            if machine.is_accepting(state):
                kept = at
        self.state = state
        return len(piece), kept == len(piece) and self.is_complete
