"""Files of a cache folder: arrays under a key, read by mapping them, written all at once.

A file is a line that says what it is, a JSON header, and the arrays. Whatever is not as it was
written (foreign, torn, of another byte order or version) reads as not there. A file appears under
its name only when it is complete, so processes may share a folder; none of them needs it, so a
folder that cannot be read or written is no error.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import mmap
import os
import sys
import tempfile
import zlib
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, Final, NamedTuple

Buffer = bytes | memoryview

MAX_FOLDER_BYTES: Final = 2 << 30
_MAGIC: Final = f"sglc cache 1 {sys.byteorder}\n".encode()
_ALIGN: Final = 64


class Artifact(NamedTuple):
    """What a file holds: JSON data, and arrays as flat bytes that lie in the mapped file."""

    data: Mapping[str, Any]
    arrays: Mapping[str, memoryview]


class ArtifactFolder:
    """A folder of artifacts, by kind and key; made when something is written.

    A key is JSON-able data. What was used longest ago goes when there are more than ``max_bytes``.
    """

    def __init__(self, path: Path, *, max_bytes: int = MAX_FOLDER_BYTES) -> None:
        self.path = path
        self._max_bytes = max_bytes
        self._unchecked = max_bytes  # bytes written since the size was looked at

    def read(self, kind: str, key: object) -> Artifact | None:
        """Return what was written under a key; None if there is nothing, or nothing sound."""
        name = self._file(kind, key)
        try:
            with name.open("rb") as file:
                view = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
            found = _parse(view)
        except (OSError, ValueError, KeyError, TypeError):
            return None
        with contextlib.suppress(OSError):  # what was used last is pruned last
            os.utime(name)
        return found

    def write(
        self, kind: str, key: object, data: Mapping[str, Any], arrays: Mapping[str, Buffer]
    ) -> int:
        """Write an artifact; return its size in bytes, 0 if it could not be written."""
        places: dict[str, tuple[int, int]] = {}
        at = 0
        for name, array in arrays.items():
            places[name] = (at, memoryview(array).nbytes)
            at += -(-memoryview(array).nbytes // _ALIGN) * _ALIGN
        header = json.dumps({"data": data, "places": places, "size": at}).encode()
        begin = f"{len(header):08x} {zlib.crc32(header):08x}\n".encode()
        head = _MAGIC + begin + header
        head += bytes(-len(head) % _ALIGN)
        temporary = None
        target = self._file(kind, key)
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            number, path = tempfile.mkstemp(dir=target.parent, prefix=".new-")
            temporary = Path(path)
            with os.fdopen(number, "wb") as file:
                file.write(head)
                for array in arrays.values():
                    file.write(array)
                    file.write(bytes(-memoryview(array).nbytes % _ALIGN))
            temporary.replace(target)
        except OSError:
            if temporary is not None:
                with contextlib.suppress(OSError):
                    temporary.unlink()
            return 0
        self._unchecked += len(head) + at
        if self._unchecked > self._max_bytes // 32:
            self.prune(self._max_bytes)
            self._unchecked = 0
        return len(head) + at

    def prune(self, max_bytes: int) -> int:
        """Remove the files used longest ago until the rest fits; return how many bytes went."""
        found = []
        for path in self.path.glob("*/*"):
            with contextlib.suppress(OSError):
                stat = path.stat()
                found.append((stat.st_mtime_ns, stat.st_size, path))
        total = sum(size for _, size, _ in found)
        removed = 0
        for _, size, path in sorted(found):
            if total - removed <= max_bytes:
                break
            with contextlib.suppress(OSError):
                path.unlink()
                removed += size
        return removed

    def _file(self, kind: str, key: object) -> Path:
        text = json.dumps(key, sort_keys=True, default=str)
        return self.path / kind / hashlib.sha256(text.encode()).hexdigest()[:40]


@lru_cache(maxsize=8)
def code_digest(package: Path) -> str:
    """Name the code of a package, for keys: what other code made may mean something else."""
    sha = hashlib.sha256()
    for path in sorted(package.rglob("*.py")):
        text = path.read_bytes()
        sha.update(f"{path.relative_to(package)} {len(text)}\n".encode() + text)
    return sha.hexdigest()


def _parse(view: memoryview) -> Artifact:
    """Read a file.

    Raises:
        ValueError, KeyError, TypeError: it is no artifact.
    """
    begin = len(_MAGIC)
    if view[:begin] != _MAGIC:
        raise ValueError("of another kind")
    size, check = (int(word, 16) for word in bytes(view[begin : begin + 18]).split())
    header = view[begin + 18 : begin + 18 + size]
    if len(header) != size or zlib.crc32(header) != check:
        raise ValueError("torn")
    content = json.loads(bytes(header))
    first = -(-(begin + 18 + size) // _ALIGN) * _ALIGN
    if len(view) != first + content["size"]:
        raise ValueError("torn")
    arrays = {
        name: view[first + at : first + at + length]
        for name, (at, length) in content["places"].items()
    }
    return Artifact(content["data"], arrays)
