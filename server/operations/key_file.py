"""The file of keys: tenants, their limits, and digests of their keys; no key can be read off it."""

from __future__ import annotations

import fcntl
import json
import logging
import os
import re
import secrets
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from sglc.server.operations.keys import SALT_BYTES, KeyRing, digest_of, new_key
from sglc.server.operations.tenant import Tenant, TenantLimits

log = logging.getLogger("sglc.server")

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_VERSION = 1
_LIMITS = tuple(each.name for each in fields(TenantLimits))


class KeyFileError(ValueError):
    """The file cannot be used; the message names it and what is wrong."""


@dataclass(frozen=True, slots=True)
class StoredKey:
    """One key of a tenant; ``number`` is how ``sglc keys`` calls it."""

    number: str
    digest: bytes
    created_at: int


@dataclass(slots=True)
class Holder:
    """A tenant of the file."""

    limits: TenantLimits = field(default_factory=TenantLimits)
    keys: list[StoredKey] = field(default_factory=list)


@dataclass(slots=True)
class KeyFile:
    """What the file says."""

    salt: bytes
    holders: dict[str, Holder]

    @classmethod
    def read(cls, path: Path) -> KeyFile:
        """Read a file.

        Raises:
            KeyFileError: it is missing, or no such file.
        """
        try:
            data = json.loads(path.read_bytes())
        except OSError as error:
            raise KeyFileError(f"the key file {path} cannot be read: {error.strerror}") from None
        except ValueError as error:
            raise KeyFileError(f"the key file {path} is not JSON: {error}") from None
        try:
            return cls._of_data(data)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise KeyFileError(f"the key file {path} is damaged: {error}") from None

    @classmethod
    def _of_data(cls, data: Any) -> KeyFile:
        if data["version"] != _VERSION:
            raise ValueError(f"its version is {data['version']!r}, this server reads {_VERSION}")
        salt = bytes.fromhex(data["salt"])
        if len(salt) != SALT_BYTES:
            raise ValueError(f"the salt has {len(salt)} bytes, not {SALT_BYTES}")
        holders = {
            check_name(name): Holder(limits_of(each["limits"]), [_key(k) for k in each["keys"]])
            for name, each in data["tenants"].items()
        }
        return cls(salt, holders)

    def write(self, path: Path) -> None:
        """Put the file there whole: a server that reads it meanwhile sees the old one."""
        data = {
            "version": _VERSION,
            "salt": self.salt.hex(),
            "tenants": {
                name: {
                    "limits": {k: v for k, v in asdict(each.limits).items() if v is not None},
                    "keys": [
                        {"id": k.number, "digest": k.digest.hex(), "created_at": k.created_at}
                        for k in each.keys
                    ],
                }
                for name, each in self.holders.items()
            },
        }
        partial = path.with_name(f".{path.name}.{os.getpid()}")
        descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with open(descriptor, "w", encoding="utf-8") as out:
            out.write(json.dumps(data, indent=2) + "\n")
            out.flush()
            os.fsync(out.fileno())
        partial.replace(path)

    def add(self, name: str, limits: Mapping[str, Any]) -> str:
        """Give a tenant one more key, and return it: nobody can afterwards. Limits are set anew.

        Raises:
            KeyFileError: the name or a limit is none.
        """
        try:
            holder = self.holders.setdefault(check_name(name), Holder())
            holder.limits = limits_of({**_given(holder.limits), **limits})
        except ValueError as error:
            raise KeyFileError(str(error)) from None
        key = new_key()
        digest = digest_of(key.encode(), self.salt)
        holder.keys.append(StoredKey(secrets.token_hex(4), digest, int(time.time())))
        return key

    def remove(self, name: str, number: str | None = None) -> int:
        """Take keys from a tenant, one or all; return how many. What is stored stays.

        Raises:
            KeyFileError: there is no such tenant or key.
        """
        holder = self.holders.get(name)
        if holder is None:
            raise KeyFileError(f"there is no key of {name!r}")
        left = [k for k in holder.keys if number is not None and k.number != number]
        count = len(holder.keys) - len(left)
        if not count:
            raise KeyFileError(f"{name!r} has no key {number!r}")
        holder.keys = left
        if not left:
            del self.holders[name]
        return count

    def ring(self) -> KeyRing:
        """Return what a server needs of it."""
        entries = [
            (key.digest, Tenant(name, holder.limits))
            for name, holder in self.holders.items()
            for key in holder.keys
        ]
        return KeyRing(self.salt, entries)


@contextmanager
def edited(path: Path) -> Iterator[KeyFile]:
    """Read a file, or begin one; write it at the end. Several may do so at once.

    Raises:
        KeyFileError: it cannot be used.
    """
    lock = os.open(path.with_name(f".{path.name}.lock"), os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        found = (
            KeyFile.read(path) if path.exists() else KeyFile(secrets.token_bytes(SALT_BYTES), {})
        )
        yield found
        found.write(path)
    finally:
        os.close(lock)


def check_name(name: str) -> str:
    """Return the name of a tenant.

    Raises:
        ValueError: it is none.
    """
    if not _NAME.fullmatch(name):
        raise ValueError(
            f"a name has 1 to 64 letters, digits, `.`, `_` and `-`, a letter first: not {name!r}"
        )
    return name


def limits_of(data: Mapping[str, Any]) -> TenantLimits:
    """Return limits by their names.

    Raises:
        ValueError: a name is none of a limit, or a value is no number above 0.
    """
    for name, value in data.items():
        if name not in _LIMITS:
            raise ValueError(f"there is no limit {name!r}: there are {', '.join(_LIMITS)}")
        types = (int, float) if name.endswith("_s") else (int,)
        if isinstance(value, bool) or not isinstance(value, types) or not 0 < value < 2**53:
            raise ValueError(f"the limit {name} must be a number above 0, not {value!r}")
    return TenantLimits(**data)


def _given(limits: TenantLimits) -> dict[str, Any]:
    return {name: value for name, value in asdict(limits).items() if value is not None}


def _key(data: Any) -> StoredKey:
    digest = bytes.fromhex(data["digest"])
    if len(digest) != 32:
        raise ValueError(f"a digest has {len(digest)} bytes, not 32")
    return StoredKey(str(data["id"]), digest, int(data["created_at"]))
