"""Histories: counts of what runs did, kept for the passes of later runs."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Command = Callable[..., Any]
Write = Callable[..., Path]

ROUTER = """prompt main(n: int) -> str:
    "Mail {n}. "
    side as route:
        "Kind: "
        kind = gen(int(1..2))
        " because"
        why = gen(max_tokens=12, min_tokens=12)
    if n > 1: "Many."
    if route.kind < n:
        "Reply: "
        reply = gen(max_tokens=12)
    else:
        "Answer: "
        reply = gen(max_tokens=12)
    return reply
"""


def test_arms_that_were_taken_begin_early_in_later_runs(
    sglc: Command, program: Write, tmp_path: Path
) -> None:
    path, file = program(ROUTER), tmp_path / "counts.json"
    first = sglc("run", path, "--n", 5, "--history", file, "--json")
    data = json.loads(first.out)
    assert (data["speculated"], data["committed"]) == (0, 0)
    counts = json.loads(file.read_text())
    assert counts["arms"] == {"program.sgl:9:5": {"do": 1}}  # --n decides the other one
    assert counts["texts"]["program.sgl:7:15"][0] == 1
    assert "Mail" not in file.read_text()
    second = sglc("run", path, "--n", 5, "--history", file, "--json")
    again = json.loads(second.out)
    assert (again["speculated"], again["committed"]) == (1, 1)
    assert again["value"] == data["value"]
    assert again["captures"] == data["captures"]
    assert json.loads(file.read_text())["arms"]["program.sgl:9:5"] == {"do": 2}
    third = sglc("run", path, "--n", 1, "--history", file, "--json")
    wrong = json.loads(third.out)
    assert (wrong["speculated"], wrong["committed"]) == (1, 0)
    assert sum(cost["wasted_tokens"] for cost in wrong["stats"].values()) > 0
    assert json.loads(file.read_text())["arms"]["program.sgl:9:5"] == {"do": 2, "else": 1}
    report = sglc("ir", path, "--report", "--history", file)
    assert 'program.sgl:9:5: spec: if %is1 -> spec = ["do"]: p = 0.60, about' in report.out


def test_a_batch_is_counted_and_tells_what_was_wasted(
    sglc: Command, program: Write, tmp_path: Path
) -> None:
    path, file, rows = program(ROUTER), tmp_path / "counts.json", tmp_path / "rows.jsonl"
    rows.write_text("".join(json.dumps({"n": n}) + "\n" for n in (1, 3, 4, 5)))
    sglc("run", path, "--inputs", rows, "--history", file)
    taken = json.loads(file.read_text())["arms"]
    assert taken["program.sgl:9:5"] == {"else": 1, "do": 3}
    done = sglc("run", path, "--inputs", rows, "--history", file, "--profile")
    assert "arms begun early 4, taken 3, tokens wasted " in done.err
    assert "wasted" in done.err.splitlines()[1]


def test_counts_are_kept_in_the_cache_folder(
    sglc: Command, program: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = program(ROUTER)
    done = sglc("run", path, "--n", 5, "--history", "auto")
    assert done.code == 2
    assert "set SGLC_CACHE_DIR, or name a file" in done.err
    monkeypatch.setenv("SGLC_CACHE_DIR", str(tmp_path / "cache"))
    sglc("run", path, "--n", 5, "--history", "auto")
    (kept,) = (tmp_path / "cache" / "history").iterdir()
    assert json.loads(kept.read_text())["program"].startswith(f"sha256:{kept.stem}")
    assert (
        json.loads(sglc("run", path, "--n", 5, "--history", "auto", "--json").out)["committed"] == 1
    )
    program(ROUTER.replace("Many", "More"))
    assert sglc("run", path, "--n", 5, "--history", "auto").code == 0
    assert len(list((tmp_path / "cache" / "history").iterdir())) == 2


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("{", "is no history: not JSON; delete it"),
        ("[]", "is no history: it is no object"),
        ('{"version": 2}', "its version is 2, not 1"),
        ('{"version": 1, "program": "", "arms": {}}', "it has other keys than"),
        ('{"version": 1, "program": 1, "arms": {}, "texts": {}}', "program must be a text"),
        ('{"version": 1, "program": "", "arms": [], "texts": {}}', "must be objects"),
        ('{"version": 1, "program": "", "arms": {"a": {"do": -1}}, "texts": {}}', "'a' must have"),
        ('{"version": 1, "program": "", "arms": {}, "texts": {"a": [1]}}', "'a' must have two"),
        (
            '{"version": 1, "program": "", "arms": {}, "texts": {}}',
            "counts runs of another program",
        ),
        (None, "Is a directory"),
    ],
)
def test_a_file_that_is_no_history_is_refused(
    sglc: Command, program: Write, tmp_path: Path, text: str | None, told: str
) -> None:
    file = tmp_path / "counts.json"
    if text is None:
        file.mkdir()
    else:
        file.write_text(text)
    for words in (["run", program(ROUTER), "--n", 5], ["ir", program(ROUTER)]):
        done = sglc(*words, "--history", file)
        assert done.code == 2
        assert "counts.json" in done.err
        assert told in done.err
    if text is not None:
        assert file.read_text() == text


def test_a_history_is_no_other_file_of_the_command(
    sglc: Command, program: Write, tmp_path: Path
) -> None:
    path = program(ROUTER)
    done = sglc("run", path, "--n", 5, "--profile-json", "x.json", "--history", "x.json")
    assert done.code == 2
    assert "--history: x.json is already another file of this command" in done.err
