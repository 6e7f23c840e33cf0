"""The file: sequences come back as they were, and what is broken is told with its place."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from generators.recorded import plan_of, recorded
from hypothesis import given, settings
from hypothesis import strategies as st

from sglc.runtime.core.events import DecodeResult
from sglc.runtime.core.script import Decode
from sglc.runtime.executor.walk import Asked
from sglc.runtime.recording.reader import read_recording
from sglc.runtime.recording.recording import RecordingError
from sglc.runtime.recording.sequences import SharedPrefixes
from sglc.runtime.recording.writer import VERSION, RecordingWriter

MODEL = {"model": {"vocab_size": 9, "max_context": 9, "kind": "bytes", "tokenizer": ""}}
PROGRAM = """prompt main(x: str):
    "{x}: "
    a = gen(max_tokens=4)
    " and "
    b = gen(max_tokens=4, temperature=1)
"""

_HEAD = b'{"sglrec":1,"model":{"vocab_size":1,"max_context":1,"kind":"bytes","tokenizer":""}'
_PARTS = st.lists(st.integers(0, 3), min_size=0, max_size=40)


@st.composite
def _sequences(draw: st.DrawFn) -> list[tuple[tuple[int, ...], int]]:
    """Sequences that begin as others do, and how much of an answer each keeps."""
    known: list[tuple[int, ...]] = [()]
    made = []
    for _ in range(draw(st.integers(1, 8))):
        begin = draw(st.sampled_from(known))
        ids = (*begin[: draw(st.integers(0, len(begin)))], *draw(_PARTS))
        kept = draw(st.integers(0, 3))
        made.append((ids, kept))
        known.append((*ids, *range(kept)))
    return made


@settings(max_examples=60, deadline=None)
@given(_sequences(), st.booleans())
def test_sequences_come_back(
    tmp_path_factory: pytest.TempPathFactory, made: list[tuple[tuple[int, ...], int]], whole: bool
) -> None:
    path = tmp_path_factory.mktemp("r") / "a.sglrec"
    writer = RecordingWriter(path, MODEL)
    for ids, kept in made:
        answer = DecodeResult((*range(kept), 8), "t", "eos", num_kept=kept)
        writer.answered(Asked(ids, Decode(3), ""), answer)
    if whole:
        writer.close()
    found = read_recording(path)
    writer.close()
    assert [tuple(found.prompt(n)) for n in found.calls] == [ids for ids, _ in made]
    assert found.num_tokens == sum(kept + 1 for _, kept in made)
    assert found.is_whole == whole


def test_what_two_sequences_share_is_found_and_forgotten() -> None:
    prefixes = SharedPrefixes(max_tokens=100)
    first = tuple(range(50))
    prefixes.add(1, first)
    assert prefixes.find((*first[:40], 7, 7)) == (1, 40)
    assert prefixes.find((9, *first)) == (0, 0)
    prefixes.add(2, tuple(range(100, 180)))
    assert prefixes.find(first) == (0, 0)
    assert prefixes.find(tuple(range(100, 190))) == (2, 80)


def test_a_file_that_was_cut_off_anywhere_is_read_up_to_there(tmp_path: Path) -> None:
    path = tmp_path / "a.sglrec"
    recording, _ = recorded(path, plan_of(PROGRAM), [(0, {"x": "q"})])
    assert recording.is_whole
    content = path.read_bytes()
    num_header = content.index(b"\n") + 1
    counts = set()
    for size in range(num_header, len(content), 7):
        path.write_bytes(content[:size])
        found = read_recording(path)
        assert not found.is_whole
        counts.add((len(found.runs), len(found.calls)))
    assert counts == {(0, 0), (1, 0), (1, 1), (1, 2)}


@pytest.mark.parametrize(
    ("number", "line", "reason"),
    [
        (3, b'{"t":"run","n":', "3: the recording is broken: the line is not a JSON object"),
        (3, b'{"t":"dance"}', "3: the recording is broken: there are no lines of kind 'dance'"),
        (3, b'{"n":1}', "3: the recording is broken: `t` is missing"),
        (5, b"", "5: the recording is broken: the line is not a JSON object"),
        (1, b"{}", "its first line does not say `sglrec`"),
        (1, b'{"sglrec":1,"model":{}}', "1: the recording is broken: `vocab_size` is missing"),
        (1, _HEAD + b',"options":[]}', "1: the recording is broken: `options` is no object"),
        (
            1,
            b'{"sglrec":1,"model":{"vocab_size":"x","max_context":9,"kind":"","tokenizer":""}}',
            "1: the recording is broken: `vocab_size` is no number",
        ),
    ],
)
def test_a_broken_line_is_told_with_its_number(
    tmp_path: Path, number: int, line: bytes, reason: str
) -> None:
    path = tmp_path / "a.sglrec"
    recorded(path, plan_of(PROGRAM), [(0, {"x": "q"})])
    lines = path.read_bytes().split(b"\n")
    lines[number - 1] = line
    path.write_bytes(b"\n".join(lines))
    with pytest.raises(RecordingError) as caught:
        read_recording(path)
    assert str(path) in str(caught.value)
    assert reason in str(caught.value)


def test_a_line_that_is_gone_is_missed(tmp_path: Path) -> None:
    path = tmp_path / "a.sglrec"
    recorded(path, plan_of(PROGRAM), [(0, {"x": "q"})])
    lines = path.read_bytes().splitlines(keepends=True)
    for index, line in enumerate(lines[2:-1], 2):
        path.write_bytes(b"".join(each for each in lines if each is not line))
        if json.loads(line)["t"] == "result":
            assert read_recording(path).runs[1].outcome is None
            continue
        with pytest.raises(RecordingError):
            read_recording(path)
        assert index < len(lines)


def test_a_later_version_is_refused_with_the_way_out(tmp_path: Path) -> None:
    path = tmp_path / "a.sglrec"
    path.write_text(json.dumps({"sglrec": VERSION + 1}) + "\n")
    with pytest.raises(RecordingError, match=r"a recording of version 2.*update sglc"):
        read_recording(path)
    path.write_text(json.dumps({"sglrec": 0}) + "\n")
    with pytest.raises(RecordingError, match="record it again"):
        read_recording(path)


@pytest.mark.parametrize("content", [b"", b"prompt main():\n", b"\xff\xfe\n", b"[1]\n"])
def test_what_is_no_recording_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.sglrec"
    path.write_bytes(content)
    with pytest.raises(RecordingError, match="not a recording"):
        read_recording(path)
    with pytest.raises(RecordingError, match="No such file"):
        read_recording(tmp_path / "none.sglrec")
