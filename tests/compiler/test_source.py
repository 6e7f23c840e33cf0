"""Reading files and finding places in them."""

from __future__ import annotations

from pathlib import Path

import pytest

from sglc.compiler.source import MAX_SOURCE_BYTES, SourceError, SourceFile


def write(tmp_path: Path, data: bytes) -> Path:
    path = tmp_path / "program.sgl"
    path.write_bytes(data)
    return path


def test_read_drops_the_byte_order_mark_and_keeps_line_ends(tmp_path: Path) -> None:
    file = SourceFile.read(write(tmp_path, b"\xef\xbb\xbflet a = 1\r\nlet b = 2\r\n"))
    assert file.text == "let a = 1\r\nlet b = 2\r\n"
    assert [file.line(n) for n in (1, 2, 3)] == ["let a = 1", "let b = 2", ""]


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"ab\0c", "is not a text file: NUL byte at offset 2"),
        (b"ab\xff", "is not UTF-8: byte 0xff at offset 2"),
        (b"\xed\xa0\x80", "is not UTF-8: byte 0xed at offset 0"),
        (b"#" * (MAX_SOURCE_BYTES + 5), "larger than 4 MB"),
    ],
)
def test_read_refuses_what_is_no_program(tmp_path: Path, data: bytes, reason: str) -> None:
    with pytest.raises(SourceError) as caught:
        SourceFile.read(write(tmp_path, data))
    assert caught.value.reason == reason


def test_read_names_the_missing_file_and_the_directory(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"none\.sgl: no such file"):
        SourceFile.read(tmp_path / "none.sgl")
    with pytest.raises(SourceError, match="is a directory"):
        SourceFile.read(tmp_path)
    with pytest.raises(SourceError, match="not a valid path"):
        SourceFile.read("a\0b")


def test_text_with_a_lone_surrogate_is_refused() -> None:
    with pytest.raises(SourceError, match="lone surrogate at offset 1"):
        SourceFile("t.sgl", "a\ud800")


def test_positions_count_code_points_from_one() -> None:
    file = SourceFile("t.sgl", "aé\n日b\n")
    places = [tuple(file.position(offset)) for offset in range(len(file.text) + 1)]
    assert places == [(1, 1), (1, 2), (1, 3), (2, 1), (2, 2), (2, 3), (3, 1)]
    assert file.num_lines == 3


def test_spans_cover_and_print() -> None:
    file = SourceFile("t.sgl", "let a = 1\nlet b = 2\n")
    first, second = file.span(4, 5), file.span(14, 15)
    assert (first.text, second.text) == ("a", "b")
    assert second.to(first) == first.to(second) == file.span(4, 15)
    assert str(second) == "t.sgl:2:5"
    assert tuple(second.end_position) == (2, 6)
