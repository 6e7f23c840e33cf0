"""Rows of a batch and the file of answers that a second run resumes from.

The file of answers holds one JSON object per finished row, in the order they finished, each with
the key of what it answers. A run that stops early leaves whole lines and at most one torn one; the
next run keeps the lines whose key still fits, drops the rest and goes on. When all rows are done
the file is written once more, in the order of the rows.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sglc.cli.errors import CommandError, UsageError

_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Row:
    """One row: its number from 0, what was read, the arguments it comes to."""

    index: int
    columns: Mapping[str, Any]
    arguments: Mapping[str, Any]


def read_rows(path: Path) -> list[Mapping[str, Any]]:
    """Read a JSONL file: one object per line, blank lines left out.

    Raises:
        UsageError: it cannot be read, or lines are not objects; the message names the lines.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise UsageError(f"{path}: not a text file (byte {error.start})") from None
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror or error}") from None
    rows: list[Mapping[str, Any]] = []
    problems: list[str] = []
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except (json.JSONDecodeError, RecursionError) as error:
            problems.append(f"{path}:{number}: not JSON: {error}")
            continue
        if not isinstance(row, dict):
            problems.append(f'{path}:{number}: a row is an object like {{"question": …}}')
            continue
        rows.append(row)
    refuse(problems)
    return rows


def refuse(problems: Sequence[str]) -> None:
    """Raise a UsageError that lists the first problems, if there are any."""
    if problems:
        more = [f"… and {len(problems) - _SHOWN} more"] if len(problems) > _SHOWN else []
        raise UsageError("\n  ".join(["no row was run:", *problems[:_SHOWN], *more]))


def answer_key(salt: str, arguments: Mapping[str, Any], index: int) -> str:
    """Return what an answer belongs to: the plan, model and seed (``salt``), the row, its place."""
    text = json.dumps([salt, index, arguments], sort_keys=True, ensure_ascii=False, default=repr)
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()[:16]


class Answers:
    """The file of answers of one batch: a finished row is on disk before the next is waited for.

    Raises:
        CommandError: the file cannot be read or written.
    """

    def __init__(self, path: Path, keys: Sequence[str]) -> None:
        self.path = path
        self.done: dict[int, dict[str, Any]] = {}
        self._keys = keys
        wanted = {key: index for index, key in enumerate(keys)}
        try:
            kept_bytes = self._read(wanted)
            self._file = path.open("ab", buffering=0)  # nothing waits in a buffer when it ends
            if path.is_file() and kept_bytes is not None:
                os.truncate(path, kept_bytes)
        except (OSError, UnicodeDecodeError) as error:
            raise CommandError(f"cannot use {path} for answers: {error}") from None

    def add(self, index: int, answer: dict[str, Any]) -> None:
        """Write one answer."""
        record = {"row": index, "key": self._keys[index], **answer}
        try:
            data = (json.dumps(record, ensure_ascii=False) + "\n").encode()
            while data:
                data = data[self._file.write(data) :]
        except OSError as error:
            raise self._cannot_write(error) from None
        self.done[index] = record

    def close(self) -> None:
        """Close the file; what was added is in it."""
        self._file.close()

    def __enter__(self) -> Answers:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def finish(self) -> None:
        """Close the file; when it is a plain file, put the answers in the order of the rows."""
        self.close()
        try:
            if not self.path.is_file():
                return
            temporary = self.path.with_name(self.path.name + ".tmp")
            with temporary.open("w", encoding="utf-8") as file:
                for _, record in sorted(self.done.items()):
                    file.write(json.dumps(record, ensure_ascii=False) + "\n")
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, self.path)
        except OSError as error:
            raise self._cannot_write(error) from None

    def _cannot_write(self, error: OSError) -> CommandError:
        reason = error.strerror or str(error)
        return CommandError(
            f"cannot write to {self.path}: {reason}; the {len(self.done)} answers before are in "
            "it, and the same command goes on from there"
        )

    def _read(self, wanted: Mapping[str, int]) -> int | None:
        """Take over answers that still fit; return the length of the whole lines in the file."""
        if not self.path.is_file():
            return None
        data = self.path.read_bytes()
        whole = data.rfind(b"\n") + 1
        for line in data[:whole].decode("utf-8").split("\n"):
            try:
                record = json.loads(line) if line else None
            except json.JSONDecodeError:
                raise CommandError(
                    f"{self.path} holds something else than answers; name another file"
                ) from None
            if isinstance(record, dict) and record.get("error") is None:
                index = wanted.get(record.get("key", ""))
                if index is not None:
                    self.done[index] = record
        return whole
