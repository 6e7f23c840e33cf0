"""Log probabilities in the forms of both endpoints."""

from __future__ import annotations

import codecs
from collections.abc import Sequence
from typing import Any, NamedTuple

from sglc.runtime.tokenizer.base import TokenizerLike

_LEAST = -9999.0  # stands for minus infinity, which JSON does not have


class TokenLogprob(NamedTuple):
    """A token, its natural log probability, and the most probable tokens at its place."""

    id: int
    logprob: float | None
    top: Sequence[tuple[int, float]] = ()


class TokenNames:
    """Tokens as texts: the names of special ones, and of no others."""

    def __init__(self, tokenizer: TokenizerLike) -> None:
        self._table = tokenizer.token_bytes
        self._specials = {i: name for name, i in tokenizer.special_ids.items()}

    def data(self, token: int) -> bytes:
        """Return the bytes that a token stands for; no text has more ids than the model."""
        name = self._specials.get(token)
        if name is not None:
            return name.encode()
        return self._table[token] if token < len(self._table) else b""

    def num_bytes(self, token: int) -> int:
        """Return how many bytes a token adds to a text."""
        return len(self._table[token]) if token < len(self._table) else 0

    def text(self, token: int) -> str:
        """Return a token as text; parts of characters are U+FFFD."""
        return self.data(token).decode(errors="replace")

    def shown(self, token: int) -> str:
        """Return what a token adds to a text that does not show special ones."""
        return "" if token in self._specials else self.text(token)

    def key(self, token: int) -> str:
        """Return a text that no other token has, unless both stand for the same bytes."""
        data = self.data(token)
        try:
            return data.decode()
        except UnicodeDecodeError:
            return "bytes:" + "".join(f"\\x{byte:02x}" for byte in data)


def chat_logprobs(names: TokenNames, tokens: Sequence[TokenLogprob]) -> list[dict[str, Any]]:
    """Return ``logprobs.content`` of a chat completion."""
    return [
        _entry(names, token.id, token.logprob)
        | {"top_logprobs": [_entry(names, i, p) for i, p in token.top]}
        for token in tokens
    ]


def _entry(names: TokenNames, token: int, logprob: float | None) -> dict[str, Any]:
    return {
        "token": names.text(token),
        "logprob": finite(logprob),
        "bytes": list(names.data(token)),
    }


class TextOffsets:
    """Where the tokens of a text begin in it, in characters; asked for piece by piece, in order.

    Of the tokens that make one character each begins where that character does. Text may be far
    ahead of the tokens that are certain, so it says nothing about where they are.
    """

    def __init__(self, names: TokenNames) -> None:
        self._names = names
        self._utf8 = codecs.getincrementaldecoder("utf-8")("replace")
        self._next = 0

    def take(self, tokens: Sequence[TokenLogprob]) -> list[int]:
        """Return where the tokens that come next begin."""
        found: list[int] = []
        for token in tokens:
            found.append(self._next)
            self._next += len(self._utf8.decode(self._names.data(token.id)))
        return found


def completion_logprobs(
    names: TokenNames, tokens: Sequence[TokenLogprob], offsets: TextOffsets, num_top: int
) -> dict[str, Any]:
    """Return ``logprobs`` of a completion, or of a piece of one; ``offsets`` are those of its text.

    A token is among the most probable ones of its place in any case.
    """
    return {
        "tokens": [names.key(token.id) for token in tokens],
        "token_logprobs": [finite(token.logprob) for token in tokens],
        "top_logprobs": [_tops(names, token) for token in tokens] if num_top else None,
        "text_offset": offsets.take(tokens),
    }


def _tops(names: TokenNames, token: TokenLogprob) -> dict[str, float | None] | None:
    if token.logprob is None:
        return None
    found = {names.key(i): finite(p) for i, p in token.top}
    found.setdefault(names.key(token.id), finite(token.logprob))
    return found


def finite(logprob: float | None) -> float | None:
    """Return a number that JSON has."""
    return None if logprob is None else max(logprob, _LEAST)
