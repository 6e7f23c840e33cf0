"""The closing guard: near the budget only tokens after which the text can still be finished.

need(q) is the fewest tokens whose bytes are exactly ``machine.completion(q)``: 0 in an accepting
state, infinite where the vocabulary lacks a byte for it. With r tokens left, the next one
included, a token that leads to the live state q' is allowed if need(q') <= r - 1.

Whoever has need(q) <= r tokens left never gets stuck before the text is a member: let t be the
first token of a shortest spelling of completion(q), which is not empty. What is left of
completion(q) after t is the completion of the state q' that t leads to, as
``Machine.completion`` promises, so need(q') <= need(q) - 1 <= r - 1: t is allowed, and the same
holds again after any allowed token. With no token left need(q) is 0, so q is accepting. By
spelling a completion byte for byte, need(q) is at most its length if every byte is a token.
"""

from __future__ import annotations

from collections.abc import Iterable

from sglc.constraints.machine import Machine, TooAmbiguousError
from sglc.runtime.core.script import NEVER
from sglc.runtime.core.vocabulary import Vocabulary

_MAX_KNOWN = 2**16


class Spellings:
    """The byte strings that one token can write."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        ends = vocabulary.eos_ids
        pieces = (piece for i, piece in enumerate(vocabulary.token_bytes) if i not in ends)
        self.pieces = frozenset(filter(None, pieces))
        self.max_len = max(map(len, self.pieces), default=0)
        self.has_every_byte = all(bytes([byte]) in self.pieces for byte in range(256))


class Needs:
    """need(q) of the states of one machine, remembered."""

    def __init__(self, machine: Machine, spellings: Spellings) -> None:
        self._machine = machine
        self._spellings = spellings
        self._known: dict[int, int] = {}

    def of(self, state: int) -> int:
        """Return need(state); ``NEVER`` if the vocabulary cannot write the completion."""
        known = self._known.get(state)
        return self._learn(state) if known is None else known

    def most(self, states: Iterable[int]) -> int:
        """Return the largest need of all states; 0 of none."""
        return max(map(self.of, states), default=0)

    def _learn(self, state: int) -> int:
        """Fill in the needs along the completion, from its end, as far as they are not known."""
        if len(self._known) > _MAX_KNOWN:
            self._known.clear()
        known, pieces = self._known, self._spellings.pieces
        try:
            rest = self._machine.completion(state)
            path = [state]
            for byte in rest:
                path.append(self._machine.step(path[-1], byte))
        except TooAmbiguousError:
            return NEVER  # whoever writes on to there is stuck
        for at in range(len(rest), -1, -1):
            if path[at] in known:
                continue
            most = min(self._spellings.max_len, len(rest) - at)
            ends = (at + n for n in range(1, most + 1) if rest[at : at + n] in pieces)
            least = min((known[path[end]] for end in ends), default=NEVER)
            known[path[at]] = 0 if at == len(rest) else min(least + 1, NEVER)
        return known[state]
