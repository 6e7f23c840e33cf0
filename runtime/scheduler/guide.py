"""Where a decode stands in its constraint."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import replace

from sglc.constraints.machine import Machine, TooAmbiguousError
from sglc.constraints.prefixed import Prefixed
from sglc.runtime.core.script import Constraint, too_short
from sglc.runtime.masks.cache import MaskCache
from sglc.runtime.masks.mask import Mask

_MAX_STATES = 1 << 14


class NextBytes:
    """Which bytes may come next, by state; remembered, as decodes of one constraint meet again."""

    def __init__(self) -> None:
        self._known: dict[tuple[Hashable, int], frozenset[int]] = {}

    def after(self, machine: Machine, state: int) -> frozenset[int]:
        """Return the bytes that lead on from ``state``."""
        key = (machine.key, state)
        found = self._known.get(key)
        if found is None:
            if len(self._known) >= _MAX_STATES:
                self._known.clear()
            found = frozenset(byte for byte in range(256) if _step(machine, state, byte))
            self._known[key] = found
        return found


def _step(machine: Machine, state: int, byte: int) -> int:
    """The state after ``byte``; 0 also where it cannot be worked out, as in the masks."""
    try:
        return machine.step(state, byte)
    except TooAmbiguousError:
        return 0


class Guide:
    """The state of one constraint walk; a state of 0 at the start means that it admits no text."""

    __slots__ = ("_cache", "_constraint", "state")

    def __init__(self, constraint: Constraint, cache: MaskCache) -> None:
        self._constraint = constraint
        self._cache = cache
        self.state = constraint.machine.start

    @property
    def is_complete(self) -> bool:
        """Whether the text is a member and nothing can be added to it, or enough of one."""
        constraint = self._constraint
        return self.state in constraint.done or constraint.machine.is_complete(self.state)

    def forced(self) -> bytes:
        """Return the bytes that must come next, as far as they can be worked out."""
        try:
            return self._constraint.machine.forced(self.state)
        except TooAmbiguousError:
            return b""

    def following(self, forced: bytes, known: NextBytes) -> frozenset[int] | None:
        """Return the bytes that may come behind ``forced``, None for any.

        The set is empty if ``forced`` completes the value.
        """
        machine = self._constraint.machine
        state = machine.run(self.state, forced)
        if self._constraint.end == "leave" and machine.is_accepting(state):
            return frozenset() if machine.is_complete(state) else None
        return known.after(machine, state)

    @property
    def may_end(self) -> bool:
        """Whether the decode may end here for want of an allowed token: the text is a member."""
        return self._constraint.closing and self._constraint.machine.is_accepting(self.state)

    def mask(self, num_left: int) -> Mask:
        """Return which tokens may come next, with ``num_left`` tokens left, that one included."""
        if self._constraint.closing:
            return self._cache.get_closing(self._constraint, self.state, num_left)
        return self._cache.get(self._constraint, self.state)

    def fits(self, data: bytes, num_left: int) -> bool:
        """Whether ``num_left`` tokens are enough to finish behind ``data``, if that matters."""
        machine = self._constraint.machine
        if not self._constraint.closing:
            return True
        return self._cache.need(machine, machine.run(self.state, data)) <= num_left

    def refusal(self, num_left: int) -> str | None:
        """Say why no text fits into ``num_left`` tokens, if so. Without any it is not asked."""
        if not self.state:
            return "the constraint of this decode admits no text at all"
        if not self._constraint.closing or num_left < 1:
            return None
        need = self._cache.need(self._constraint.machine, self.state)
        return None if need <= num_left else too_short(need, num_left)

    def advance(self, piece: bytes) -> tuple[int, bool]:
        """Walk over the bytes of an allowed token that does not end the text by itself.

        Returns how many of the bytes belong to the value, and whether the decode is over: the
        value is complete, or enough of it is there, or the token left it (end rule ``leave``).
        """
        if not piece:
            return 0, True  # a special token: allowed by `leave` only
        machine = self._constraint.machine
        state = self.state
        kept = 0
        for at, byte in enumerate(piece, 1):
            state = _step(machine, state, byte)
            if state == 0:
                return kept, True
            if machine.is_accepting(state):
                kept = at
        self.state = state
        if isinstance(machine, Prefixed) and machine.inner_state(state):
            self._constraint = replace(self._constraint, machine=machine.inner)
            self.state = machine.inner_state(state)  # masks are shared with who had no prefix
        is_enough = self.state in self._constraint.done
        return len(piece), is_enough or (kept == len(piece) and self.is_complete)
