"""Random numbers that depend on where in a program a token is drawn, never on when.

A key names the site: the run's seed, the instance, the path of calls, loop turns and fork
branches that leads to it, and the site's own number. A draw is the key and a counter, hashed, so
that batching, reordering and resuming leave every sample as it was.
"""

from __future__ import annotations

import hashlib

_SCALE = 2.0**-53


def seed_key(seed: int, instance: int, path: tuple[int, ...], site: str) -> int:
    """Derive the 64-bit key of one sampling site in one instance of a program."""
    text = f"{seed}/{instance}/{'.'.join(map(str, path))}/{site}"
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "little")


def uniform(key: int, counter: int) -> float:
    """Draw number ``counter`` of the site ``key``: uniform in [0, 1), 53 bits."""
    data = key.to_bytes(8, "little") + counter.to_bytes(8, "little")
    bits = int.from_bytes(hashlib.blake2b(data, digest_size=8).digest(), "little")
    return (bits >> 11) * _SCALE
