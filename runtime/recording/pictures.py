"""Pictures in prompts: a tokenizer numbers them as they come, a recording knows what they show."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from typing import Final

from sglc.compiler.plan.segments import Media
from sglc.runtime.remote.tokenizer import RemoteTokenizer
from sglc.runtime.tokenizer.base import TokenizerLike

Ids = tuple[int, ...]
StableIds = Callable[[Sequence[int]], Ids]
_FIRST: Final = 1 << 40  # above all ids of tokenizers


def as_they_are(ids: Sequence[int]) -> Ids:
    """Return the ids."""
    return tuple(ids)


def stable_ids(tokenizer: TokenizerLike) -> StableIds:
    """Return what puts ids that are made of what a picture is in the place of its number."""
    if not isinstance(tokenizer, RemoteTokenizer):
        return as_they_are
    fixed = frozenset((*range(256), *tokenizer.special_ids.values()))

    def stable(ids: Sequence[int]) -> Ids:
        return tuple(i if i in fixed else _picture_id(tokenizer, i) for i in ids)

    return stable


def _picture_id(tokenizer: RemoteTokenizer, token: int) -> int:
    (media,) = tokenizer.parts((token,))
    assert isinstance(media, Media), "ids that are neither bytes nor fixed are pictures"
    digest = hashlib.blake2b(f"{media.kind} {media.url}".encode(), digest_size=5).digest()
    return _FIRST + int.from_bytes(digest, "big")
