"""Random numbers that depend on where in a program a token is drawn, never on when.

A key names the site: the run's seed, the instance, the path of calls, loop turns and fork
branches that leads to it, and the site's own number. A draw is the key and a counter, hashed, so
that batching, reordering and resuming leave every sample as it was.
"""

from __future__ import annotations

import hashlib
from typing import Final, NamedTuple

BY_STREAM: Final = "stream"
"""The ``rng`` of a decode that draws by the lineage of its stream instead of a site."""
_SCALE = 2.0**-53


def seed_key(seed: int, instance: int, path: tuple[int, ...], site: str) -> int:
    """Derive the 64-bit key of one sampling site in one instance of a program."""
    text = f"{seed}/{instance}/{'.'.join(map(str, path))}/{site}"
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "little")


class Lineage(NamedTuple):
    """Where a stream comes from: the child numbers of the forks behind it, and what was drawn.

    ``path``: for each fork on the way the number of decodes before it and the number of the child;
    ``calls``: the decodes since the last of them, what went on behind forks included.
    """

    path: tuple[int, ...] = ()
    calls: int = 0

    def after_call(self) -> Lineage:
        """Return the lineage of the version behind a decode."""
        return Lineage(self.path, self.calls + 1)

    def child(self, number: int | None = None) -> Lineage:
        """Return the lineage of a child of a fork; without a number, of the parent behind it."""
        if number is None:
            return self.after_call()
        return Lineage((*self.path, self.calls, int(number)))

    def key(self, seed: int, instance: int) -> int:
        """Derive the key of a decode that goes on from the stream."""
        return seed_key(seed, instance, self.path, str(self.calls))


def uniform(key: int, counter: int) -> float:
    """Draw number ``counter`` of the site ``key``: uniform in [0, 1), 53 bits."""
    data = key.to_bytes(8, "little") + counter.to_bytes(8, "little")
    bits = int.from_bytes(hashlib.blake2b(data, digest_size=8).digest(), "little")
    return (bits >> 11) * _SCALE
