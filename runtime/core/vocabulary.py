"""What the scheduler knows of a tokenizer: the bytes of every token and which ones end a text."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """``token_bytes[id]`` is what a token adds to the text, ``b""`` for special tokens."""

    token_bytes: tuple[bytes, ...]
    eos_ids: frozenset[int]

    @classmethod
    def of(
        cls, token_bytes: Iterable[bytes], eos_ids: Iterable[int], vocab_size: int = 0
    ) -> Vocabulary:
        """Take over a tokenizer's tables, padded with empty tokens up to ``vocab_size`` ids."""
        table = tuple(token_bytes)
        return cls(table + (b"",) * (vocab_size - len(table)), frozenset(eos_ids))
