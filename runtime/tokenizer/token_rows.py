"""Log probabilities as SGLang writes them: triples of value, token id and, if asked, text."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sglc.runtime.tokenizer.base import TokenizerLike

Triple = list[Any]
Pairs = Sequence[tuple[int, float]]


class TokenTexts:
    """What single tokens are called: special ones by their names, others by their bytes."""

    def __init__(self, tokenizer: TokenizerLike) -> None:
        self._bytes = tokenizer.token_bytes
        self._names = {token: name for name, token in tokenizer.special_ids.items()}

    def bytes_of(self, token: int) -> bytes:
        """Return what a token adds to a text that shows special tokens."""
        name = self._names.get(token)
        if name is not None:
            return name.encode()
        return self._bytes[token] if token < len(self._bytes) else b""

    def text_of(self, token: int) -> str:
        """Return the same as text, broken UTF-8 as U+FFFD."""
        return self.bytes_of(token).decode(errors="replace")

    def is_special(self, token: int) -> bool:
        """Whether a token adds nothing to a text that does not show special tokens."""
        return token in self._names


def triple(logprob: float | None, token: int, texts: TokenTexts | None) -> Triple:
    """Return one entry; ``texts`` None leaves the text out."""
    return [logprob, token, None if texts is None else texts.text_of(token)]


def triples(
    logprobs: Sequence[float], ids: Sequence[int], texts: TokenTexts | None
) -> list[Triple]:
    """Return one entry per token."""
    return [triple(value, token, texts) for value, token in zip(logprobs, ids, strict=True)]


def tops(rows: Iterable[Pairs], count: int, texts: TokenTexts | None) -> list[list[Triple]]:
    """Return the ``count`` most probable tokens of each place."""
    return [[triple(value, token, texts) for token, value in row[:count]] for row in rows]


def input_rows(
    ids: Sequence[int],
    start: int,
    scored: Sequence[float],
    scored_tops: Sequence[Pairs] | None,
    num_top: int,
    texts: TokenTexts | None,
) -> dict[str, Any]:
    """Return what ``meta_info`` says of a prompt from position ``start`` on, -1 for nothing.

    ``scored`` are the log probabilities of the tokens behind the first of those, if there are any:
    that one has none in a prompt that begins with it, and is left out elsewhere.
    """
    entries: list[Triple] = []
    top_entries: list[list[Triple] | None] = []
    if start == 0 and ids:
        entries.append(triple(None, ids[0], texts))
        top_entries.append(None)
    if scored:
        entries += triples(scored, ids[start + 1 :], texts)
        top_entries += tops(scored_tops or (), num_top, texts)
    found: dict[str, Any] = {
        "input_token_logprobs": entries,
        "normalized_prompt_logprob": mean(entries),
    }
    if num_top:
        found["input_top_logprobs"] = top_entries
    return found


def mean(entries: Sequence[Triple]) -> float:
    """Return the mean of what is not null; 0 of nothing, as SGLang has it."""
    values = [entry[0] for entry in entries if entry[0] is not None]
    return sum(values) / len(values) if values else 0.0
