"""Source text and places in it: files, and half-open ranges of code points."""

from __future__ import annotations

import hashlib
from bisect import bisect_right
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

MAX_SOURCE_BYTES = 4 * 1024 * 1024


class SourceError(Exception):
    """A file that cannot be read as program text; the message names the file and the reason."""

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(f"{name}: {reason}")
        self.name = name
        self.reason = reason

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.name, self.reason)


class Position(NamedTuple):
    """A line and a column; both start at 1, columns count code points."""

    line: int
    column: int


def column_in(file: str, line: int, offset: int) -> int:
    """Return the column of a byte of a line of Python, which counts in bytes from 0.

    A line that is not there, as of a program that was typed in, is taken for ASCII.
    """
    if offset == 0:
        return 1
    import linecache

    before = linecache.getline(file, line).encode()[:offset]
    return 1 + (len(before.decode(errors="ignore")) if before else offset)


@dataclass(frozen=True, eq=False)
class SourceFile:
    """The text of one program file; ``name`` is what diagnostics show.

    Raises:
        SourceError: the text holds a lone surrogate, which no file can.
    """

    name: str
    text: str

    def __post_init__(self) -> None:
        if not self.text.isascii():
            try:
                self.text.encode("utf-8")
            except UnicodeEncodeError as error:
                raise SourceError(self.name, f"lone surrogate at offset {error.start}") from error

    @classmethod
    def read(cls, path: str | Path) -> SourceFile:
        """Read a UTF-8 file; a byte order mark is dropped, line ends are kept as they are.

        Raises:
            SourceError: missing, not a regular file, larger than ``MAX_SOURCE_BYTES``, or not text.
        """
        return cls(str(path), decode(_read_bytes(Path(path)), str(path)))

    @cached_property
    def digest(self) -> str:
        """sha256 of the text, whatever its name."""
        return "sha256:" + hashlib.sha256(self.text.encode()).hexdigest()

    @cached_property
    def line_starts(self) -> tuple[int, ...]:
        """Offset of the first character of every line; only ``\\n`` ends a line."""
        starts = [0]
        find = self.text.find
        newline = find("\n")
        while newline >= 0:
            starts.append(newline + 1)
            newline = find("\n", newline + 1)
        return tuple(starts)

    @property
    def num_lines(self) -> int:
        return len(self.line_starts)

    def position(self, offset: int) -> Position:
        """Return the line and column of ``offset``, which may be the end of the text."""
        index = bisect_right(self.line_starts, offset) - 1
        return Position(index + 1, offset - self.line_starts[index] + 1)

    def line(self, number: int) -> str:
        """Return line ``number`` (from 1) without its line end."""
        start = self.line_starts[number - 1]
        end = self.line_starts[number] - 1 if number < self.num_lines else len(self.text)
        return self.text[start:end].removesuffix("\r")

    def span(self, start: int, end: int) -> Span:
        """Return the place ``[start, end)`` of this file."""
        return Span(self, start, end)


@dataclass(frozen=True, slots=True)
class Span:
    """The half-open range ``[start, end)`` of code points of a file; empty means a point."""

    file: SourceFile
    start: int
    end: int

    @property
    def line(self) -> int:
        return self.file.position(self.start).line

    @property
    def column(self) -> int:
        return self.file.position(self.start).column

    @property
    def end_position(self) -> Position:
        """The position just after the last character."""
        return self.file.position(self.end)

    @property
    def text(self) -> str:
        return self.file.text[self.start : self.end]

    def to(self, other: Span) -> Span:
        """Return the smallest range that covers this place and a later one of the same file."""
        return Span(self.file, min(self.start, other.start), max(self.end, other.end))

    def __str__(self) -> str:
        line, column = self.file.position(self.start)
        return f"{self.file.name}:{line}:{column}"

    def __repr__(self) -> str:
        return f"Span({self})"


def decode(data: bytes, name: str) -> str:
    """Decode the bytes of a program file: UTF-8, an optional byte order mark, no NUL bytes.

    Raises:
        SourceError: the bytes are not text; the message gives the offset of the first bad byte.
    """
    if len(data) > MAX_SOURCE_BYTES:
        raise SourceError(name, f"larger than {MAX_SOURCE_BYTES >> 20} MB")
    nul = data.find(b"\0")
    if nul >= 0:
        raise SourceError(name, f"is not a text file: NUL byte at offset {nul}")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        bad = data[error.start]
        raise SourceError(
            name, f"is not UTF-8: byte 0x{bad:02x} at offset {error.start}"
        ) from error
    return text.removeprefix("\ufeff")


def _read_bytes(path: Path) -> bytes:
    try:
        if path.is_dir():
            raise SourceError(str(path), "is a directory")
        with path.open("rb") as file:
            return file.read(MAX_SOURCE_BYTES + 1)
    except FileNotFoundError as error:
        raise SourceError(str(path), "no such file") from error
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise SourceError(str(path), f"cannot be read: {reason}") from error
    except ValueError as error:
        raise SourceError(repr(str(path)), "not a valid path") from error
