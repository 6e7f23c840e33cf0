"""What the scheduler asks of a tokenizer to append text of its own accord."""

from __future__ import annotations

from collections.abc import Collection
from typing import Protocol


class TextEncoder(Protocol):
    """Cuts text into tokens; every tokenizer is one."""

    def encode(self, text: str, *, continues: bool = False) -> list[int]:
        """Return the ids of ``text``; ``continues`` says that other tokens stand before it."""

    def commit_points(self, text: str, following: Collection[int] | None = None) -> list[int]:
        """Return the borders of ``text`` before which its ids never change, whatever follows.

        In characters, ascending, 0 first; each is a border between tokens. What stands behind one
        of them, to the end of the text or further, is encoded as it would be alone, as a text that
        ``continues``.

        ``following`` narrows down what may follow: the bytes that it may begin with. Then the last
        border may be the end of the text; what follows there is not encoded as it would be alone.
        """
