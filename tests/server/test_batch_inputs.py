"""Inputs of batches: refused as a whole, line by line, or found to be damaged."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from generators.batch_runs import (
    Engine,
    end_of,
    ids,
    replies,
    request,
    run,
    running,
    submit,
    until,
)

from sglc.server.storage.storage import Storage


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-20])


def _flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[data.index(b"p3")] ^= 1
    path.write_bytes(data)


@pytest.mark.parametrize("damage", [_cut, _flip, Path.unlink])
def test_a_damaged_input_fails_the_batch_and_keeps_what_was_done(
    tmp_path: Path, damage: Callable[[Path], None]
) -> None:
    async def test(storage: Storage, engine: Engine) -> None:
        lines = [request(f"p{i}", sleep=0 if i < 2 else 1000) for i in range(9)]
        batch = await submit(storage, lines)
        async with running(storage, engine):
            await until(storage, batch, lambda found: found.num_completed == 2)
        damage(tmp_path / "files" / batch.input_file_id)
        async with running(storage, engine):
            output, _ = await replies(storage, batch)
        ended = await end_of(storage, batch)
        assert ended.status == "failed"
        assert ended.errors is not None
        (failure,) = json.loads(ended.errors)
        assert failure["code"] == "input_file_damaged"
        assert batch.input_file_id in failure["message"]
        assert ids(output) == ["p0", "p1"]

    run(tmp_path, test)


def _line(**changes: Any) -> bytes:
    line = request("a") | changes
    return json.dumps({name: value for name, value in line.items() if value is not ...}).encode()


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"", [("empty_file", None, None)]),
        (b"\n \r\n\n", [("empty_file", None, None)]),
        (b"{", [("invalid_json_line", None, 1)]),
        (b"\n\xff\n", [("invalid_json_line", None, 2)]),
        (b"[1]", [("invalid_json_line", None, 1)]),
        (b'{"custom_id": NaN}', [("invalid_json_line", None, 1)]),
        (b"[" * 5000, [("invalid_json_line", None, 1)]),
        (_line(custom_id=...), [("missing_required_parameter", "custom_id", 1)]),
        (_line(custom_id=None), [("invalid_type", "custom_id", 1)]),
        (_line(custom_id=""), [("invalid_type", "custom_id", 1)]),
        (_line(body=...), [("missing_required_parameter", "body", 1)]),
        (_line(body=[]), [("invalid_type", "body", 1)]),
        (_line(body={"stream": True}), [("invalid_value", "body.stream", 1)]),
        (_line(method="GET"), [("invalid_method", "method", 1)]),
        (_line(url="/v1/embeddings"), [("mismatched_endpoint", "url", 1)]),
        (_line(foo=1), [("unknown_parameter", "foo", 1)]),
        (_line(body={"prompt": "x" * 10_000}), [("line_too_long", None, 1)]),
        (
            _line(body={"prompt": "x" * 30_000}) + b"\n" + _line(method="GET", custom_id="b"),
            [("line_too_long", None, 1), ("invalid_method", "method", 2)],
        ),
        (
            b"\n".join([_line(), b"", _line(url="x"), _line(custom_id="b")]),
            [("duplicate_custom_id", "custom_id", 3), ("mismatched_endpoint", "url", 3)],
        ),
    ],
)
def test_an_input_is_refused_as_a_whole_line_by_line(
    tmp_path: Path, data: bytes, expected: list[tuple[str, str | None, int | None]]
) -> None:
    async def test(storage: Storage, engine: Engine) -> None:
        async with running(storage, engine):
            ended = await end_of(storage, await submit(storage, data))
        assert ended.status == "failed"
        assert ended.errors is not None
        found = [(each["code"], each["param"], each["line"]) for each in json.loads(ended.errors)]
        assert found == expected
        assert (ended.output_file_id, ended.error_file_id) == (None, None)
        assert not engine.seen

    run(tmp_path, test)
