"""Rendered text, cut at the names of special tokens."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from sglc.compiler.plan.segments import Special, Text

Piece = Text | Special


class Cutter:
    """Cuts text at a vocabulary's special tokens, the longest name first."""

    def __init__(self, specials: Iterable[str]) -> None:
        names = sorted((n for n in specials if n), key=lambda n: (-len(n), n))
        self._pattern = re.compile("(" + "|".join(map(re.escape, names)) + ")") if names else None

    def cut(self, text: str) -> tuple[Piece, ...]:
        """Return text and special tokens in turn, no empty text among them."""
        if self._pattern is None:
            return (Text(text),) if text else ()
        parts = self._pattern.split(text)
        return tuple(Special(part) if i % 2 else Text(part) for i, part in enumerate(parts) if part)


def text_of(pieces: Sequence[Piece]) -> str:
    """Join pieces back into the text that was cut."""
    return "".join(p.text if isinstance(p, Text) else p.name for p in pieces)
