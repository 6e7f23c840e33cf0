"""Reading rows, and resuming a file of answers."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sglc.cli.errors import CommandError, UsageError
from sglc.cli.rows import Answers, answer_key, read_rows


def test_blank_lines_are_left_out(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text('{"a": 1}\n\n  \n{"a": 2}')
    assert read_rows(path) == [{"a": 1}, {"a": 2}]


def test_bad_lines_are_named(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text('{"a": 1}\n[1]\n{"a"\n')
    with pytest.raises(UsageError) as caught:
        read_rows(path)
    assert "rows.jsonl:2: a row is an object" in str(caught.value)
    assert "rows.jsonl:3: not JSON" in str(caught.value)


@pytest.mark.parametrize("content", [b"\xff\xfe", b"\x00" * 10])
def test_binary_rows_are_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_bytes(content)
    with pytest.raises(UsageError):
        read_rows(path)


def test_missing_rows_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="No such file"):
        read_rows(tmp_path / "none.jsonl")


def keys(count: int, salt: str = "s") -> list[str]:
    return [answer_key(salt, {"a": i}, i) for i in range(count)]


def test_answers_end_up_in_the_order_of_the_rows(tmp_path: Path) -> None:
    path = tmp_path / "out.jsonl"
    answers = Answers(path, keys(3))
    for index in (2, 0, 1):
        answers.add(index, {"value": index})
    answers.finish()
    assert [json.loads(line)["row"] for line in path.read_text().splitlines()] == [0, 1, 2]


def test_a_second_run_keeps_what_fits_and_drops_a_torn_line(tmp_path: Path) -> None:
    path = tmp_path / "out.jsonl"
    with Answers(path, keys(3)) as first:
        first.add(1, {"value": "one"})
        first.add(2, {"error": "failed"})
    with path.open("a") as file:
        file.write('{"row": 0, "key": "')
    second = Answers(path, keys(3))
    assert set(second.done) == {1}
    second.add(0, {"value": "zero"})
    second.add(2, {"value": "two"})
    second.finish()
    assert [json.loads(line)["value"] for line in path.read_text().splitlines()] == [
        "zero",
        "one",
        "two",
    ]


def test_answers_of_another_program_or_seed_are_not_taken(tmp_path: Path) -> None:
    path = tmp_path / "out.jsonl"
    with Answers(path, keys(2)) as first:
        first.add(0, {"value": 0})
    with Answers(path, keys(2, salt="another")) as second:
        assert second.done == {}


def test_a_file_of_something_else_is_not_touched(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("my notes\n")
    with pytest.raises(CommandError, match="something else"):
        Answers(path, keys(1))
    assert path.read_text() == "my notes\n"


def test_a_full_disk_is_reported_with_what_is_kept() -> None:
    with (
        Answers(Path("/dev/full"), keys(1)) as answers,
        pytest.raises(CommandError, match=r"No space left on device; the 0 answers before"),
    ):
        answers.add(0, {"value": "x" * 100_000})
