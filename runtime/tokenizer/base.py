"""What the runtime asks of a tokenizer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from sglc.runtime.core.text_encoder import TextEncoder


class TokenizerLike(TextEncoder, Protocol):
    """Text to token ids and back. ``Tokenizer`` reads files, ``ByteTokenizer`` needs none.

    Special tokens exist only as ids: no text encodes to one, and none adds text.
    """

    @property
    def vocab_size(self) -> int:
        """One more than the largest id; a model may have more logits than that."""

    @property
    def token_bytes(self) -> Sequence[bytes]:
        """What each id adds to the text; ``b""`` for special tokens and unused ids."""

    @property
    def special_ids(self) -> Mapping[str, int]:
        """Ids of the special tokens by their names, such as ``<|im_end|>``."""

    @property
    def bos_ids(self) -> tuple[int, ...]:
        """What the tokenizer itself puts before a text that no template wraps."""

    @property
    def eos_ids(self) -> frozenset[int]:
        """Ids that end a generation."""

    @property
    def digest(self) -> str:
        """Hex SHA-256 of everything that decides the ids; for keys of caches."""

    def encode(self, text: str, *, continues: bool = False) -> list[int]:
        """Return the ids of ``text``: no special tokens, neither added nor recognised.

        ``continues`` says that other tokens stand before it. It matters only to tokenizers that
        begin a document, and not what follows a special token, with a space of their own.
        """

    def decode(self, ids: Sequence[int]) -> str:
        """Return the text of ``ids``, special tokens left out, broken UTF-8 as U+FFFD."""
