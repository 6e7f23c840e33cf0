"""Keys as a server knows them: digests of a fixed length, all compared in the same time.

A key is 32 bytes drawn from the system's source of randomness, so there is nothing to guess: one
keyed SHA-256 of it is as good as a slow hash, which is there for passwords, and would cost every
request tens of milliseconds. (A key that an operator has thought up, ``--api-key``, is in memory
only, and its digest never leaves it.) The salt makes digests of two files incomparable.
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Sequence
from dataclasses import dataclass

from sglc.server.operations.tenant import ANYONE, Tenant

_PREFIX = "sk-sglc-"
SALT_BYTES = 32


def new_key() -> str:
    """Return a key that nobody has."""
    return _PREFIX + secrets.token_urlsafe(32)


def digest_of(key: bytes, salt: bytes) -> bytes:
    """Return 32 bytes that say nothing about a key but whether it is the same."""
    return hmac.digest(salt, key, "sha256")


@dataclass(frozen=True, slots=True)
class KeyRing:
    """The keys of one salt: pairs of a digest and whose key it is."""

    salt: bytes
    entries: Sequence[tuple[bytes, Tenant]]

    @classmethod
    def of_one(cls, key: str) -> KeyRing:
        """Return the ring of a single key; its holder is whoever asks a server without keys."""
        salt = secrets.token_bytes(SALT_BYTES)
        return cls(salt, ((digest_of(key.encode(), salt), ANYONE),))

    def find(self, key: bytes) -> Tenant | None:
        """Return whose key it is, None if nobody's.

        Every entry is compared, whichever is the right one.
        """
        digest = digest_of(key, self.salt)
        found: Tenant | None = None
        for known, tenant in self.entries:
            found = tenant if hmac.compare_digest(known, digest) else found
        return found
