"""What the scheduler asks of a tokenizer to append text of its own accord."""

from __future__ import annotations

from typing import Protocol


class TextEncoder(Protocol):
    """Cuts text into tokens; every tokenizer is one."""

    def encode(self, text: str, *, continues: bool = False) -> list[int]:
        """Return the ids of ``text``; ``continues`` says that other tokens stand before it."""

    def commit_points(self, text: str) -> list[int]:
        """Return the borders of ``text`` before which its ids never change, whatever follows.

        In characters, ascending, 0 first. Each is a border between tokens, and what follows it is
        encoded as it would be alone, as a text that ``continues``.
        """
