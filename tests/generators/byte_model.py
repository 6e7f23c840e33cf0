"""A model for tests: bytes as tokens, a few special tokens, logits that hash the whole prefix."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from sglc.compiler.plan.segments import RoleBegin, RoleEnd, Segment, Special, Text

BEGIN, END, EOS = 256, 258, 257
_NAMES = {BEGIN: "<|begin|>", EOS: "<|eos|>", END: "<|end|>"}


class ByteModel:
    """``boost``: bytes that come easily. Every prefix is a model of its own."""

    vocab_size = 259
    token_bytes: Sequence[bytes] = (*(bytes([i]) for i in range(256)), b"", b"", b"")
    eos_ids = frozenset((EOS, END))

    def __init__(self, boost: bytes = b' abc\n019{"') -> None:
        self.boost = boost
        self.asked: list[tuple[int, ...]] = []

    def encode(self, segments: Sequence[Segment]) -> list[int]:
        ids: list[int] = []
        for segment in segments:
            match segment:
                case Text(text):
                    ids += text.encode("utf-8", "replace")
                case RoleBegin(role):
                    ids += [BEGIN, *role.encode(), 10]
                case RoleEnd():
                    ids += [END, 10]
                case Special(name):
                    ids += [i for i, known in _NAMES.items() if known == name]
        return ids

    def encode_healed(self, segments: Sequence[Segment]) -> tuple[list[int], bytes]:
        return self.encode(segments), b""  # no byte depends on the next one

    def text(self, segments: Sequence[Segment]) -> str:
        parts = bytearray()
        for token in self.encode(segments):
            parts += _NAMES[token].encode() if token in _NAMES else bytes([token])
        return parts.decode("utf-8", "replace")

    def logits(self, ids: Sequence[int]) -> list[float]:
        assert ids, "no token to go on from"
        self.asked.append(tuple(ids))
        seed = hashlib.blake2b(repr(list(ids)).encode(), digest_size=16).digest()
        raw = hashlib.shake_128(seed).digest(self.vocab_size)
        row = [x / 64.0 for x in raw]
        row[self.boost[seed[0] % len(self.boost)]] += 6.0
        if seed[1] < 32:
            row[EOS] += 9.0
        return row
