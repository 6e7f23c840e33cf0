"""``bench_latency`` and ``bench_offline_throughput``: what they print, write and refuse."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from sglc.cli.main import module_main
from sglc.runtime.models.hub import EMBEDDED, resolve

torch.set_num_threads(1)


def records(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_every_combination_is_a_line_appended(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "r.jsonl"
    path.write_text('{"before": 1}\n')
    words = f"--batch 1 3 --input-len 5 9 --output-len 1 4 --rounds 2 --result {path} --run-name x"
    assert module_main("latency", words.split()) == 0
    before, *found = records(path)
    assert before == {"before": 1}
    sizes = [(each["batch_size"], each["input_len"], each["output_len"]) for each in found]
    assert sizes == [(b, i, o) for b in (1, 3) for i in (5, 9) for o in (1, 4)]
    for each in found:
        assert (each["run_name"], each["model"], each["rounds"]) == ("x", "embedded", 2)
        num_input = each["batch_size"] * each["input_len"]
        assert each["prefill_throughput"] * each["prefill_latency"] == pytest.approx(num_input)
        if each["output_len"] == 1:
            assert each["median_decode_latency"] is each["median_decode_throughput"] is None
        else:
            product = each["median_decode_latency"] * each["median_decode_throughput"]
            assert product == pytest.approx(each["batch_size"])
    out = capsys.readouterr().out
    assert out.count("Prefill. latency") == 8
    assert out.count("Decode.  latency") == 4


def test_logits_are_those_of_transformers(capsys: pytest.CaptureFixture[str]) -> None:
    transformers = pytest.importorskip("transformers")
    assert module_main("latency", ["--correct", "--output-len", "3", "--dtype", "float32"]) == 0
    out = capsys.readouterr().out
    model = transformers.AutoModelForCausalLM.from_pretrained(
        resolve(EMBEDDED), torch_dtype=torch.float32
    )
    ids = [ast.literal_eval(text) for text in re.findall(r"input ids: (.*)", out)]
    written = [ast.literal_eval(text) for text in re.findall(r"output ids: (.*)", out)]
    tops = re.findall(r"logits \((.*?)\): +(.*)", out)
    assert len(ids) == len(written) == 3
    assert len(tops) == 3 * 4  # the first half, the prompt, two of three tokens
    for number, prompt in enumerate(ids):
        whole = [*prompt, *written[number]]
        with torch.no_grad():
            rows = model(torch.tensor([whole])).logits[0]
        places = [3, *range(len(prompt) - 1, len(whole) - 1)]
        for (_, text), place in zip(tops[4 * number : 4 * number + 4], places, strict=True):
            for pair in text.split(", "):
                token, _, value = pair.partition(": ")
                assert rows[place, int(token)].item() == pytest.approx(float(value), abs=2e-3)
        assert [rows[at].argmax().item() for at in places[1:]] == written[number]


def test_offline_counts_every_token(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "o.jsonl"
    words = "--num-prompt 4 --random-input 6 --random-output 3 --random-range-ratio 1"
    assert module_main("offline_throughput", [*words.split(), "--result-file", str(path)]) == 0
    (found,) = records(path)
    assert (found["completed"], found["total_input_tokens"], found["total_output_tokens"]) == (
        4, 24, 12,
    )  # fmt: skip
    assert found["dataset_name"] == "random"
    assert found["output_throughput"] * found["duration"] == pytest.approx(12)
    assert re.search(r"Output tokens: +12\n", capsys.readouterr().out)


@pytest.mark.parametrize(
    ("name", "words", "said"),
    [
        ("latency", "--batch 2 --max-running-requests 1", "--max-running-requests 1"),
        ("latency", "--input-len 9 --max-prefill-tokens 8", "--max-prefill-tokens 8"),
        ("latency", "--input-len 9 --chunked-prefill-size 8", "--chunked-prefill-size 8"),
        ("latency", "--input-len 3000", "takes 3016 tokens a prompt; the context holds 2048"),
        ("latency", "--batch 9 --input-len 90 --max-total-tokens 99", "takes 954 tokens at once"),
        ("latency", "--port 1", "--port is about serving"),
        ("latency", "--tp 2", "--tensor-parallel-size 2 is not served here"),
        ("latency", "--cut-len 3", "--cut-len goes with --correctness-test"),
        ("latency", "--correct --batch 2", "--batch-size is about times"),
        ("latency", "--correct --cut-len 40", "--cut-len 40"),
        ("latency", "--correct --random-seed 1", "--random-seed draws nothing"),
        ("latency", "--batch 0", "must be at least 1, not 0"),
        ("latency", "--batch two", "must be a whole number"),
        ("offline_throughput", "--random-seed 3", "prompts have --seed"),
        ("offline_throughput", "--random-range-ratio 2", "must be between 0 and 1"),
        ("offline_throughput", "--num-prompts 1 --random-output-len 3000 --random-range-ratio 1",
         "prompt 0 of the data set takes 4024 tokens"),
    ],
)  # fmt: skip
def test_what_cannot_be_measured_is_refused_before_anything_runs(
    name: str, words: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert module_main(name, words.split()) == 2
    assert said in capsys.readouterr().err


def test_a_model_that_is_not_there_is_an_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert module_main("latency", ["--model-path", "./nothing-here"]) == 3
    assert "nothing-here" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["bench_latency", "bench_one_batch"])
def test_both_names_are_the_command(name: str) -> None:
    command = [sys.executable, "-m", f"sglc.{name}", "--cut-len", "3"]
    ended = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr == "sglc: --cut-len goes with --correctness-test\n"
