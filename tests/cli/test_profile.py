"""``run --profile`` and its files, on the embedded model."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from generators.trace_format import check_format

Command = Callable[..., Any]
Write = Callable[..., Path]

ASK = """prompt ask(question: str) -> str:
    "Q: {question}\\nA:{answer = gen(line, max_tokens=16)}"
    check answer != "none", "no answer"
    kind = select("short", "long")
    return "{answer} {kind}"
"""
COUNTED = ("prefilled", "cached", "decoded", "forced", "scored")


def check_sums(data: dict[str, Any]) -> None:
    """The places make the total, and the total is what the engine counted."""
    for key in (f"{name}_tokens" for name in COUNTED):
        assert data["total"][key] == sum(place[key] for place in data["places"])
        assert data["total"][key] == data["engine"][key]
    assert data["total"]["queue_entries"] == data["engine"]["queue_entries"]
    assert sum(place["critical_share"] for place in data["places"]) == pytest.approx(1)


def test_the_profile_is_printed_beside_the_answer(sglc: Command, program: Write) -> None:
    path = program(ASK)
    words = ("run", path, "--question", "What is the capital of France?")
    plain, done = sglc(*words), sglc(*words, "--profile")
    assert (done.code, done.out) == (0, plain.out)
    lines = done.err.splitlines()
    assert lines[1].split()[:3] == ["calls", "prompt", "prefilled"]  # nothing is looked up again
    assert lines[1].endswith(f"  {path}")
    shown = [f"{number:>6} {line}" for number, line in enumerate(ASK.splitlines(), 1)]
    assert all(line.endswith(end) for line, end in zip(lines[2:7], shown, strict=True))
    assert [line.split()[0] for line in lines if "gen(" in line or "select(" in line] == ["1", "1"]
    assert lines[7].split()[0] == "2"
    assert lines[7].endswith("100%  total")
    assert re.fullmatch(r"critical path [\d.]+ ms of [\d.]+ ms", lines[8])


def test_json_of_a_run_adds_up(sglc: Command, program: Write, tmp_path: Path) -> None:
    file = tmp_path / "profile.json"
    path = program(ASK)
    done = sglc("run", path, "--question", "Why?", "--json", "--profile-json", file)
    assert (done.code, done.err) == (0, "")
    result, data = json.loads(done.out), json.loads(file.read_text())
    check_sums(data)
    assert (data["program"], data["prompt"], data["runs"], data["seed"]) == (str(path), "ask", 1, 0)
    assert [place["line"] for place in data["places"]] == [2, 4]
    for place in data["places"]:
        cost = result["stats"][f"{place['file']}:{place['line']}:{place['column']}"]
        for key in cost.keys() & place.keys():
            assert cost[key] == place[key]
    assert [call["op"] for call in data["slowest"]["critical_path"]] == ["gen", "select"]
    assert data["critical_ms"] <= data["wall_ms"]


def test_a_batch_is_summed_over_its_rows(sglc: Command, program: Write, tmp_path: Path) -> None:
    rows = tmp_path / "rows.jsonl"
    questions = [f"What is {a} + 2?" for a in range(7)]
    rows.write_text("".join(json.dumps({"question": q}) + "\n" for q in questions))
    files = {name: tmp_path / f"{name}.json" for name in ("profile", "trace")}
    path = program(ASK)
    done = sglc(
        "run", path, "--inputs", rows, "--out", tmp_path / "out.jsonl",
        "--profile", "--profile-json", files["profile"], "--trace", files["trace"],
    )  # fmt: skip
    assert done.code == 0
    assert re.search(r"^7 runs in [\d.]+ ms; the slowest, row \d: critical path ", done.err, re.M)
    data = json.loads(files["profile"].read_text())
    check_sums(data)
    assert (data["runs"], data["total"]["calls"]) == (7, 14)
    trace = json.loads(files["trace"].read_text())
    check_format(trace)
    assert trace["otherData"]["plan"] == data["plan"]
    calls = [e for e in trace["traceEvents"] if e.get("cat") in ("gen", "select")]
    nodes = trace["sglc"]["prefixes"]["nodes"]
    assert trace["sglc"]["prefixes"]["calls"] == len(calls)
    assert sum(node[1] * node[3] for node in nodes) >= data["engine"]["cached_tokens"]
    for _, tokens, _, asked, expected, reused, _, _ in nodes:
        assert 0 <= expected <= tokens * asked
        assert 0 <= reused <= tokens * asked
    assert sum(node[5] for node in nodes) > 0
    said = trace["sglc"]["said"]
    for run in said["runs"]:
        assert [run["versions"][end][2] for _, end in run["calls"]][1] in ("short", "long")
        assert f"{path}:2:" in said["places"][run["versions"][0][3]]
    assert {e["pid"] for e in calls} == set(range(1, 8))
    for key in ("prefilled_tokens", "decoded_tokens", "scored_tokens"):
        assert sum(e["args"][key] for e in calls) == data["engine"][key]
    slots = [e["args"] for e in trace["traceEvents"] if e["name"] == "KV slots"]
    assert len({sum(s.values()) for s in slots}) == 1
    assert max(s["held"] + s["cached"] for s in slots) <= data["engine"]["peak_slots"]


def test_a_finished_batch_costs_nothing(sglc: Command, program: Write, tmp_path: Path) -> None:
    rows, out = tmp_path / "rows.jsonl", tmp_path / "out.jsonl"
    rows.write_text('{"question": "Why?"}\n')
    words = ("run", program(ASK), "--inputs", rows, "--out", out, "--profile")
    assert "critical path" in sglc(*words).err
    assert sglc(*words).err.splitlines()[-1] == "nothing was run"


def test_a_failed_run_has_a_profile(sglc: Command, program: Write, tmp_path: Path) -> None:
    file = tmp_path / "profile.json"
    path = program('prompt p():\n    "x{a = gen(max_tokens=3)}"\n    check false, "stop here"\n')
    done = sglc("run", path, "--profile-json", file)
    assert (done.code, "stop here" in done.err) == (3, True)
    check_sums(json.loads(file.read_text()))


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--trace", "{tmp}"], "is a directory"),
        (["--profile-json", "{tmp}/no/file.json"], "lies in a folder that does not exist"),
        (["--trace", "{tmp}/a.json", "--profile-json", "{tmp}/a.json"], "is already the file of"),
        (["--trace", "{tmp}/program.sgl"], "is already the file of the program"),
    ],
)
def test_files_are_checked_before_anything_runs(
    sglc: Command, program: Write, tmp_path: Path, words: list[str], told: str
) -> None:
    given = [word.replace("{tmp}", str(tmp_path)) for word in words]
    done = sglc("run", program(ASK), "--question", "Why?", *given)
    assert (done.code, done.out) == (2, "")
    assert told in done.err
    assert (tmp_path / "program.sgl").read_text() == ASK
