"""`sglc bench`: passes taken away one by one, outputs compared; machines measured."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sglc.cli.ablation import Variant, pipelines
from sglc.compiler.passes import registry
from sglc.compiler.passes.pipeline import level, parse_pipeline

Run = Callable[..., Any]
TALK = """\
prompt talk(question: str):
    "Q: {question}\\nA:"
    answer = gen(line, max_tokens=8)
    "\\nIn short:"
    short = gen(line, max_tokens=4)
"""
TWICE = """\
prompt p() -> str:
    "Say a word.\\n"
    side as one: a = gen(max_tokens=6)
    side as two: b = gen(max_tokens=6)
    side as three: c = gen(max_tokens=9)
    return one.a + two.b
"""


def variants_of(done: Any) -> dict[str, Any]:
    assert done.code == 0, done.err
    return {variant["name"]: variant for variant in json.loads(done.out)["variants"]}


def test_every_pass_is_left_out_once() -> None:
    names = [name for name, _, _ in pipelines(level(2))]
    assert names[:2] == ["-O0", "all"]
    assert set(names[2:]) == {f"without {p.name}" for p in (*level(2).passes, *level(2).last)}
    twice = {name: str(p) for name, _, p in pipelines(parse_pipeline("fold,gvn,fold"))}
    assert twice == {
        "-O0": "",
        "all": "fold,gvn,fold",
        "without fold": "gvn",
        "without gvn": "fold,fold",
    }


def test_counters_say_what_a_pass_is_worth(sglc: Run, program: Callable[[str], Path]) -> None:
    words = ("--ablate", "--pipeline", "gvn,dce", "--rounds", "2", "--json")
    found = variants_of(sglc("bench", program(TWICE), *words))
    assert {name: variant["calls"] for name, variant in found.items()} == {
        "-O0": 3,
        "all": 1,
        "without gvn": 2,
        "without dce": 2,
    }
    assert all(variant["equal"] for variant in found.values())
    assert all(len(variant["seconds"]) == 2 for variant in found.values())
    assert found["all"]["ratio"] == {"median": 1, "min": 1, "max": 1}
    assert found["-O0"]["prefilled"] == found["all"]["prefilled"] > 0


def test_every_round_begins_with_an_empty_cache(
    sglc: Run, program: Callable[[str], Path], tmp_path: Path
) -> None:
    rows = tmp_path / "rows.jsonl"
    rows.write_text('{"question": "Why?"}\n{"question": "How?"}\n')
    counts = []
    for rounds in (1, 3):
        words = ("--inputs", rows, "--ablate", "--pipeline", "script", "--json", "--rounds", rounds)
        found = variants_of(sglc("bench", program(TALK), *words))
        counts.append({n: (v["prefilled"], v["slots"], v["steps"]) for n, v in found.items()})
        assert found["all"]["calls"] == 4
        assert found["all"]["queued"] == 2
        assert found["-O0"]["queued"] == 4
    assert counts[0] == counts[1]


def test_the_table_names_what_is_compared(sglc: Run, program: Callable[[str], Path]) -> None:
    text = TALK.replace("max_tokens=4", "max_tokens=4, temperature=1")
    done = sglc("bench", program(text), "--question", "Why?", "--ablate", "--rounds", "1")
    assert done.code == 0
    lines = {line.split("  ")[0]: line for line in done.out.splitlines()}
    assert lines["without jump"].endswith("not compared: samples, and other tokens are other texts")
    assert "not compared" in lines["all"]
    assert "not compared" not in lines["without gvn"]


def test_a_pass_that_changes_the_output_is_named(
    sglc: Run, program: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    passes = {**registry.PASSES, "broken": "generators.broken_pass:Broken"}
    monkeypatch.setattr(registry, "PASSES", passes)
    monkeypatch.setattr("sglc.compiler.passes.pipeline.PASSES", passes)
    words = ("--question", "Why?", "--ablate", "--rounds", "1", "--pipeline", "fold,broken")
    done = sglc("bench", program(TALK), *words)
    assert done.code == 1
    assert "the pass broken changes what the program gives" in done.err
    assert "the passes change what the program gives" in done.err
    assert "the pass fold" not in done.err
    assert done.out.count("DIFFERS") == 2


def test_a_run_that_fails_is_no_measurement(sglc: Run, program: Callable[[str], Path]) -> None:
    done = sglc("bench", program('prompt p():\n    "{1 / 0}"\n'), "--ablate", "--rounds", "1")
    assert done.code == 3
    assert "division by zero" in done.err
    assert done.out == ""


def test_ratios_are_those_of_a_round() -> None:
    base, other = (Variant("all", None), Variant("-O0", None))  # type: ignore[arg-type]  # no plan
    base.seconds, other.seconds = [1, 2], [2, 2]
    assert other.ratios(base) == [2, 1]


@pytest.mark.parametrize(
    ("words", "code", "reason"),
    [
        (["p.sgl"], 2, "--ablate or --calibrate"),
        (["--ablate"], 2, "--ablate takes a program"),
        (["p.sgl", "--calibrate"], 2, "it takes no program"),
        (["--calibrate", "--ablate"], 2, "not allowed with"),
        (["p.sgl", "--ablate", "--rounds", "0"], 2, "must be at least 1"),
        (["p.sgl", "--ablate", "--inputs", "none.jsonl"], 2, "none.jsonl: No such file"),
        (["p.sgl", "--ablate"], 2, "`question` (str) is missing"),
        (["p.sgl", "--ablate", "--question", "a", "--model", "no/model"], 3, "no/model"),
        (["p.sgl", "--ablate", "--pipeline", "magic"], 2, "there is no pass 'magic'"),
        (["--calibrate", "--seed", "1"], 2, "nothing of runs"),
        (["--calibrate"], 3, "set SGLC_CACHE_DIR"),
    ],
)
def test_wrong_usage_is_told(
    sglc: Run,
    program: Callable[[str], Path],
    monkeypatch: pytest.MonkeyPatch,
    words: list[str],
    code: int,
    reason: str,
) -> None:
    monkeypatch.chdir(program(TALK, "p.sgl").parent)
    done = sglc("bench", *words)
    assert done.code == code
    assert reason in done.err
    assert done.out == ""


def test_a_calibration_is_kept_for_estimates(
    sglc: Run, program: Callable[[str], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SGLC_CACHE_DIR", str(tmp_path / "cache"))
    done = sglc("bench", "--calibrate", "--rounds", "1")
    assert done.code == 0
    assert "residual" in done.out
    estimate = json.loads(sglc("estimate", program(TALK), "--question", "Why?", "--json").out)
    calibration = estimate["calibration"]
    assert calibration["model"] == "embedded"
    assert calibration["machine"]
    assert calibration["prefill_token_s"] > 0
    assert calibration["step_s"] + calibration["step_stream_s"] > 0
    assert 0 < estimate["total"]["seconds"][0] < estimate["total"]["seconds"][1]
