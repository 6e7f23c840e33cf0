"""The input of a batch: JSONL that is checked as a whole, then read line by line."""

from __future__ import annotations

import hashlib
import os
from array import array
from typing import Any, BinaryIO

from sglc.server.errors import ApiError
from sglc.server.http.body import parse_json
from sglc.server.storage.records import StoredFile

MAX_LINES = 50_000
MAX_ERRORS = 100  # of those that are reported
_MAX_ID_CHARS = 512
_CHUNK_BYTES = 1 << 20
_FIELDS = {"custom_id", "method", "url", "body"}


class InvalidInput(Exception):
    """The input cannot be run; ``errors`` says why, line by line, as OpenAI's clients read it."""

    def __init__(self, errors: list[dict[str, Any]]) -> None:
        super().__init__(errors[0]["message"])
        self.errors = errors


class BatchLines:
    """Where the lines of a checked input are; used in any thread, closed by its owner."""

    def __init__(self, file: BinaryIO, places: array[int]) -> None:
        self._file = file
        self._places = places  # begin and end of each line in turn

    def __len__(self) -> int:
        return len(self._places) // 2

    def read(self, number: int) -> dict[str, Any]:
        """Return a line, counted from 0."""
        begin, end = self._places[2 * number : 2 * number + 2]
        line: dict[str, Any] = parse_json(os.pread(self._file.fileno(), end - begin, begin))
        return line

    def close(self) -> None:
        """Give the file back."""
        self._file.close()


def scan_lines(
    file: BinaryIO, stored: StoredFile, endpoint: str, max_line_bytes: int
) -> BatchLines:
    """Check an input, which becomes the result's to close. Blocks for as long as reading takes.

    Raises:
        InvalidInput: a line is wrong, there are none or too many, or the file is damaged.
    """
    scan = _Scan(endpoint, max_line_bytes)
    digest = hashlib.sha256()
    place = 0
    while raw := file.readline(max_line_bytes + 2):
        digest.update(raw)
        scan.take(raw, place)
        place += len(raw)
        while raw and not raw.endswith(b"\n"):  # the rest of a line that is too long
            raw = file.readline(_CHUNK_BYTES)
            digest.update(raw)
            place += len(raw)
    if digest.hexdigest() != stored.sha256:
        raise InvalidInput([damaged_input(f"file `{stored.id}` is not what was uploaded")])
    return BatchLines(file, scan.finish())


def damaged_input(message: str) -> dict[str, Any]:
    """Return the error of an input whose content is lost."""
    return _error("input_file_damaged", message)


class _Scan:
    def __init__(self, endpoint: str, max_line_bytes: int) -> None:
        self._endpoint = endpoint
        self._max_line_bytes = max_line_bytes
        self._places = array("Q")
        self._ids: dict[str, int] = {}
        self._errors: list[dict[str, Any]] = []
        self._line = 0
        self._num_requests = 0

    def take(self, raw: bytes, place: int) -> None:
        """Check one line, or the beginning of one that is too long; blank ones are passed over."""
        self._line += 1
        line = raw.strip(b" \t\r\n")
        if not line:
            return
        self._num_requests += 1
        if self._num_requests > MAX_LINES or len(self._errors) == MAX_ERRORS:
            return
        begin = place + raw.index(line)
        self._places.extend((begin, begin + len(line)))
        if len(line) > self._max_line_bytes:
            self._refuse("line_too_long", f"the line is longer than {self._max_line_bytes} bytes")
            return
        try:
            value = parse_json(line)
        except ApiError as error:
            message = error.message.replace("the body", "the line").replace(
                " at line 1 column", " at column"
            )
            self._refuse("invalid_json_line", message)
            return
        if isinstance(value, dict):
            self._check(value)
        else:
            self._refuse("invalid_json_line", "the line is not a JSON object")

    def finish(self) -> array[int]:
        """Return where the lines are.

        Raises:
            InvalidInput: something is wrong with them.
        """
        if self._num_requests > MAX_LINES:
            message = f"the file has {self._num_requests} requests; at most {MAX_LINES} are taken"
            raise InvalidInput([_error("too_many_requests", message)])
        if not self._num_requests:
            raise InvalidInput([_error("empty_file", "the file has no requests")])
        if self._errors:
            raise InvalidInput(self._errors)
        return self._places

    def _check(self, value: dict[str, Any]) -> None:
        for name in sorted(_FIELDS - value.keys()):
            self._refuse("missing_required_parameter", f"field `{name}` is missing", name)
        for name in sorted(value.keys() - _FIELDS):
            self._refuse("unknown_parameter", f"unknown field `{name[:80]}`", name[:80])
        if "custom_id" in value:
            self._check_id(value["custom_id"])
        if value.get("method", "POST") != "POST":
            self._refuse("invalid_method", 'method must be "POST"', "method")
        if value.get("url", self._endpoint) != self._endpoint:
            message = f"url must be the batch's endpoint, {self._endpoint}"
            self._refuse("mismatched_endpoint", message, "url")
        body = value.get("body", {})
        if not isinstance(body, dict):
            self._refuse("invalid_type", "body must be an object", "body")
        elif body.get("stream"):
            self._refuse("invalid_value", "body.stream: a batch does not stream", "body.stream")

    def _check_id(self, custom_id: object) -> None:
        if not isinstance(custom_id, str) or not 0 < len(custom_id) <= _MAX_ID_CHARS:
            message = f"custom_id must be a string of 1 to {_MAX_ID_CHARS} characters"
            self._refuse("invalid_type", message, "custom_id")
            return
        first = self._ids.setdefault(custom_id, self._line)
        if first != self._line:
            message = f"custom_id `{custom_id[:80]}` is that of line {first} too"
            self._refuse("duplicate_custom_id", message, "custom_id")

    def _refuse(self, code: str, message: str, param: str | None = None) -> None:
        if len(self._errors) < MAX_ERRORS:
            self._errors.append(_error(code, message, param, self._line))


def _error(
    code: str, message: str, param: str | None = None, line: int | None = None
) -> dict[str, Any]:
    return {"code": code, "message": message, "param": param, "line": line}
