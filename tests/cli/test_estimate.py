"""`sglc estimate`: what it prints, what it refuses, and what it says of budgets and contexts."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sglc.compiler.cost.calibration import Calibration
from sglc.compiler.cost.store import save

Run = Callable[..., Any]
PROGRAMS = sorted((Path(__file__).parents[1] / "programs" / "estimates").glob("*.sgl"))
WANTED = re.compile(r'#~ (SGL\d{4}) "(.*)"\s*$')

ASK = """\
prompt ask(question: str, times: int = 1) -> str:
    "Q: {question}\\nA:{answer = gen(line, max_tokens=24)}"
    for i in 2..times:
        "\\nAgain:{answer = gen(max_tokens=10)}"
    return answer
"""


def test_a_straight_line_is_exact_but_for_what_the_model_writes(
    sglc: Run, program: Callable[[str], Path]
) -> None:
    done = sglc("estimate", program(ASK), "--question", "Why?", "--json")
    assert done.code == 0
    data = json.loads(done.out)
    total = data["total"]
    assert data["runs"] == 1
    assert total["calls"] == [1, 1]
    assert total["prompt"][0] == total["prompt"][1] == total["prefilled"][0]
    assert total["prefilled"][0] == total["prefilled"][1]
    assert total["decoded"] == [1, 24]
    assert data["places"][0]["loc"].endswith("program.sgl:2:33")
    assert data["calibration"]["machine"] == ""


def test_the_table_has_the_lines_that_cost_something(
    sglc: Run, program: Callable[[str], Path]
) -> None:
    done = sglc("estimate", program(ASK), "--question", "Why?", "--times", "3")
    lines = done.out.splitlines()
    assert lines[0].split() == ["calls", "prompt", "cached", "prefilled", "decoded"]
    assert [line.split("  ")[-1].split(":")[1] for line in lines[1:3]] == ["2", "4"]
    assert lines[3].endswith("total")
    assert lines[3].split()[0] == "3"
    assert "KV slots at once" in lines[4]
    assert "not calibrated" in lines[5]


def test_a_parameter_that_is_left_out_may_have_any_value(
    sglc: Run, program: Callable[[str], Path]
) -> None:
    data = json.loads(sglc("estimate", program(ASK), "--json").out)
    low, high = data["total"]["prompt"]
    assert low < 8
    assert high == 2048  # the context of the model
    assert data["longest"]["tokens"] is None


def test_rows_share_what_their_prompts_begin_with(
    sglc: Run, program: Callable[[str], Path], tmp_path: Path
) -> None:
    rows = tmp_path / "rows.jsonl"
    rows.write_text("".join(json.dumps({"question": f"Who is {n}?"}) + "\n" for n in "ABC"))
    one = json.loads(sglc("estimate", program(ASK), "--question", "Who is A?", "--json").out)
    done = sglc("estimate", program(ASK), "--inputs", rows, "--json")
    three = json.loads(done.out)
    assert three["runs"] == 3
    alone = one["total"]["prefilled"][0]
    assert three["total"]["prompt"] == [3 * alone, 3 * alone]
    assert alone < three["total"]["prefilled"][0] == three["total"]["prefilled"][1] < 3 * alone
    assert sglc("estimate", program(ASK), "--inputs", rows).out.splitlines()[3].startswith("3 runs")


def test_a_small_cache_leaves_no_upper_end(sglc: Run, program: Callable[[str], Path]) -> None:
    words = ("estimate", program(ASK), "--question", "Why?", "--json", "--max-slots")
    enough, few = (json.loads(sglc(*words, n).out)["total"] for n in (1000, 20))
    assert enough["prefilled"][1] is not None
    assert few["prefilled"] == [enough["prefilled"][0], None]
    assert few["steps"][1] is few["seconds"][1] is None
    assert few["peak_slots"][1] == 20 < enough["peak_slots"][1]
    assert few["decoded"] == enough["decoded"]


def test_without_a_tokenizer_texts_are_ranges(
    sglc: Run, program: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "tokenizers", None)
    done = sglc("estimate", program(ASK), "--question", "Why?", "--json")
    assert done.code == 0
    assert "no tokenizer is at hand" in done.err
    assert json.loads(done.out)["total"]["prompt"] == [0, len("Q: Why?\nA:")]


def test_batches_of_the_program_are_its_rows(sglc: Run, program: Callable[[str], Path]) -> None:
    text = ASK + 'batch ask from [{question: "Why?"}, {question: "How?"}]\n'
    assert json.loads(sglc("estimate", program(text), "--json").out)["runs"] == 2


def test_passes_are_part_of_the_estimate(sglc: Run, program: Callable[[str], Path]) -> None:
    lines = ['"a{x = gen(max_tokens=5)}"', "side as s: y = gen()", "return x"]
    text = "prompt p() -> str:\n" + "".join(f"    {line}\n" for line in lines)
    calls = [
        json.loads(sglc("estimate", program(text), level, "--json").out)["total"]["decoded"][1]
        for level in ("-O0", "-O2")
    ]
    assert calls == [133, 133]  # everything is looked at with --json
    shown = [sglc("estimate", program(text), level).out.splitlines() for level in ("-O0", "-O2")]
    assert [lines[-3].split()[0] for lines in shown] == ["2", "1"]


def test_seconds_come_from_the_calibration(
    sglc: Run, program: Callable[[str], Path], tmp_path: Path
) -> None:
    path = save(
        tmp_path,
        Calibration(
            prefill_s=1, prefill_token_s=0, step_s=0, step_stream_s=0.5, call_s=0, model="embedded",
            machine="m",
        ),
    )  # fmt: skip
    done = sglc("estimate", program(ASK), "--question", "Why?", "--calibration", path, "--json")
    data = json.loads(done.out)
    assert data["total"]["seconds"] == [1.5, 13]
    assert data["calibration"]["machine"] == "m"
    shown = sglc("estimate", program(ASK), "--question", "Why?", "--calibration", path)
    assert "not calibrated" not in shown.out


@pytest.mark.parametrize(
    ("words", "code", "reason"),
    [
        (["--inputs", "no.jsonl"], 2, "no.jsonl: No such file"),
        (["--question", "a", "--calibration", "no.json"], 2, "no.json: No such file"),
        (["--question", "a", "--model", "nowhere/at-all"], 3, "nowhere/at-all"),
        (["--budget", "0"], 2, "must be at least 1"),
        (["--times", "many"], 2, "must be an integer"),
        (["--colour", "red"], 2, "unknown argument '--colour'"),
        (["--seed", "1"], 2, "unknown argument '--seed'"),
        (["--max-slots", "0"], 2, "must be at least 1"),
        (["--pipeline", "magic"], 2, "there is no pass 'magic'"),
    ],
)
def test_wrong_usage_is_told(
    sglc: Run, program: Callable[[str], Path], words: list[str], code: int, reason: str
) -> None:
    done = sglc("estimate", program(ASK), *words)
    assert done.code == code
    assert reason in done.err
    assert done.out == ""


def test_a_broken_calibration_is_named(
    sglc: Run, program: Callable[[str], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from argparse import Namespace

    from sglc.cli.estimates import machine_name
    from sglc.compiler.cost.store import path_of

    monkeypatch.setenv("SGLC_CACHE_DIR", str(tmp_path))
    path = path_of(tmp_path, "embedded", machine_name(Namespace(device="auto", dtype="auto")))
    path.parent.mkdir()
    path.write_text("{")
    done = sglc("estimate", program(ASK), "--question", "a")
    assert done.code == 3
    assert f"{path}: not JSON" in done.err
    assert "measure anew" in done.err


def test_a_file_without_rows_is_refused(
    sglc: Run, program: Callable[[str], Path], tmp_path: Path
) -> None:
    rows = tmp_path / "rows.jsonl"
    rows.write_text("\n")
    assert "there are no rows" in sglc("estimate", program(ASK), "--inputs", rows).err


@pytest.mark.parametrize("path", PROGRAMS, ids=lambda path: path.stem)
def test_program_gives_its_diagnostics(sglc: Run, path: Path) -> None:
    lines = path.read_text().splitlines()
    words = lines[0].removeprefix("#~ words:").split()
    done = sglc("estimate", path, *words)
    found = re.findall(r"(SGL\d{4}).*\n *--> .*?:(\d+):", done.err)
    wanted = [(m[1], str(n)) for n, line in enumerate(lines, 1) if (m := WANTED.search(line))]
    assert found == wanted
    for line in lines:
        comment = WANTED.search(line)
        assert comment is None or comment[2] in done.err
    assert done.code == (1 if "error" in done.err else 0)
    free = sglc("estimate", path, *[w for w in words if not w.isdigit() and w != "--budget"])
    assert free.code == 0
