"""How long the texts of one ``gen`` have been lately, for the room that the next one will need.

Streams are admitted with room for what they are expected to write, so that few have to give way to
others in the middle and be computed again. What a type says of its texts (pass ``bounds``) goes
before what is seen here.
"""

from __future__ import annotations

from collections import deque
from typing import Final

_FIRST_GUESS: Final = 32  # tokens, of a gen that has not written yet
_RECENT: Final = 32  # texts


class Lengths:
    """Lengths of the latest texts, in tokens."""

    __slots__ = ("_recent",)

    def __init__(self) -> None:
        self._recent: deque[int] = deque(maxlen=_RECENT)

    def add(self, num_tokens: int) -> None:
        """A text is complete."""
        self._recent.append(num_tokens)

    def expected(self, most: int) -> int:
        """Return a length that nine of ten texts do not pass, ``most`` at most."""
        if not self._recent:
            return min(_FIRST_GUESS, most)
        lengths = sorted(self._recent)
        return min(lengths[len(lengths) * 9 // 10], most)
