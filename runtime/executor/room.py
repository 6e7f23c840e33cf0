"""How many rows of a batch may be open at once: those whose K/V has room beside each other.

A run that calls the model several times comes back to its K/V. Where more runs are open than the
pool holds, what one will need is given up for the next one, and computed again: in the worst case
before every call. So a row begins when its prompt, and what rows have written on average, fit
beside those that are open; or when the engine has nothing else to do, since all of these wait for
tools.
"""

from __future__ import annotations

from sglc.compiler.plan.plan import Block, Plan

_LOOPS = frozenset({"for", "while", "map", "filter", "fork"})


class Room:
    """The KV slots of a batch, ``num_slots`` in all; 0 for a backend that has none."""

    def __init__(self, num_slots: int) -> None:
        self._num_slots = num_slots
        self._num_open = 0
        self._used = 0
        self._num_done = 0
        self._written = 0

    def fits(self, num_tokens: int) -> bool:
        """Whether a row of so many tokens of its own has room; one alone always has."""
        if not self._num_open or not self._num_slots:
            return True
        written = self._written / self._num_done if self._num_done else 0
        needed = self._used + num_tokens + (self._num_open + 1) * written
        return needed <= self._num_slots

    def enter(self, num_tokens: int) -> None:
        """A row is open."""
        self._num_open += 1
        self._used += num_tokens

    def leave(self, num_tokens: int, num_written: int) -> None:
        """A row is done; it has written so many tokens."""
        self._num_open -= 1
        self._used -= num_tokens
        self._num_done += 1
        self._written += num_written


def asks_again(plan: Plan) -> bool:
    """Whether a run of a plan may call the model more than once."""
    return _num_calls(plan, plan.functions[plan.entry].body, {}) > 1


def _num_calls(plan: Plan, block: Block, known: dict[str, int]) -> int:
    """Return how many calls a block makes: 0, 1, or 2 for any more."""
    count = 0
    for node in block.nodes:
        inner = sum(_num_calls(plan, each, known) for each in node.blocks)
        callee = node.attrs.get("callee")
        if isinstance(callee, str):
            if callee not in known:
                known[callee] = 0  # while it is looked at
                known[callee] = _num_calls(plan, plan.functions[callee].body, known)
            inner += known[callee]
        count += (node.op in ("gen", "select")) + inner * (2 if node.op in _LOOPS else 1)
    return min(count, 2)
