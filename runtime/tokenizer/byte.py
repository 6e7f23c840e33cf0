"""A tokenizer without files: 256 bytes and three special tokens. Loads no library."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Sequence

SPECIALS = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")


class ByteTokenizer:
    """Implements TokenizerLike: id b is byte b; 256, 257 and 258 are special.

    A generation ends at ``<|endoftext|>`` or ``<|im_end|>``. Lone surrogates of a text encode as
    U+FFFD does.
    """

    vocab_size = 256 + len(SPECIALS)
    bos_ids: tuple[int, ...] = ()
    eos_ids = frozenset((256, 258))

    def __init__(self) -> None:
        self.token_bytes = tuple(bytes([i]) for i in range(256)) + (b"",) * len(SPECIALS)
        self.special_ids = {name: 256 + i for i, name in enumerate(SPECIALS)}
        self.digest = hashlib.sha256(b"sglc byte tokenizer 1").hexdigest()

    def encode(self, text: str, *, continues: bool = False) -> list[int]:
        """Return the UTF-8 bytes of ``text``."""
        try:
            return list(text.encode())
        except UnicodeEncodeError:
            return list(without_surrogates(text).encode())

    def commit_points(self, text: str, following: Collection[int] | None = None) -> list[int]:
        """Return every border between characters: no token depends on another.

        Up to the first lone surrogate, which another one may make a character of.
        """
        try:
            text.encode()
        except UnicodeEncodeError as error:
            return list(range(error.start + 1))
        return list(range(len(text) + 1))

    def decode(self, ids: Sequence[int]) -> str:
        """Return the text of ``ids``."""
        return b"".join(self.token_bytes[i] for i in ids).decode(errors="replace")


def without_surrogates(text: str) -> str:
    """Replace lone surrogates, which have no UTF-8, by U+FFFD."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
