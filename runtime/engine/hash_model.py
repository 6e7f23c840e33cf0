"""A model that is a hash: logits depend on every token before them, and on nothing else.

Deterministic on every machine, free of weights, and unforgiving: one wrong id, order or slot
anywhere in the prefix gives other logits.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Sequence

_LETTERS = b" abcdefghijklmnopqrstuvwxyz"
_BOOST = 16.0


def hash_logits(ids: Sequence[int], vocab_size: int, eos_id: int | None = None) -> list[float]:
    """Return the logits after ``ids`` (at least one): ``vocab_size`` numbers in [0, 24).

    Each is a multiple of 1/8192, so exact in float32. In three of four cases one token dominates:
    ``eos_id`` one time in sixteen, else a lower-case letter or a space as a byte.
    """
    data = struct.pack(f"<{len(ids)}q", *ids)
    digest = hashlib.blake2b(data, digest_size=16, person=b"sglc-hash").digest()
    raw = hashlib.shake_128(digest).digest(2 * vocab_size)
    logits = [x / 8192.0 for x in struct.unpack(f"<{vocab_size}H", raw)]
    draw = digest[0]
    if eos_id is not None and draw < 16:
        logits[eos_id] += _BOOST
    elif draw < 192:
        logits[_LETTERS[digest[1] % len(_LETTERS)] % vocab_size] += _BOOST
    return logits
