"""Running programs on the embedded model: arguments, output, batches, and all that can go wrong."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sglc.runtime.models.hub import resolve

Command = Callable[..., Any]
Write = Callable[..., Path]

ASK = """prompt ask(question: str, times: int = 1) -> str:
    "Q: {question}\\nA:{answer = gen(line, max_tokens=16)}"
    return strip(answer)[:100 * times]
"""


def test_parameters_are_flags(sglc: Command, program: Write) -> None:
    done = sglc("run", program(ASK), "--question", "What is the capital of France?")
    assert (done.code, done.err) == (0, "")
    assert len(done.out.splitlines()) == 1


def test_json_has_everything(sglc: Command, program: Write) -> None:
    done = sglc("run", program(ASK), "--arg", "question=What is 2 + 2?", "--json")
    data = json.loads(done.out)
    assert data["text"].startswith("Q: What is 2 + 2?\nA:")
    assert data["captures"]["answer"].strip() == data["value"]
    (cost,) = data["stats"].values()
    assert cost["calls"] == 1


def test_a_chat_template_stands_in_for_the_model_s_own(
    sglc: Command, program: Write, tmp_path: Path
) -> None:
    chat = program('prompt p() -> str:\n    user: "Hi"\n    assistant: "{a = gen(max_tokens=4)}"\n'
                   "    return a\n")  # fmt: skip
    words, kept = ("--chat-template", "vicuna_v1.1"), tmp_path / "p.sglrec"
    data = json.loads(sglc("run", chat, "--json", *words, "--record", kept).out)
    assert data["text"].startswith("A chat between a curious user")
    chat.write_text(chat.read_text().replace("=4", "=5"))
    done = sglc("replay", kept, "--execute")  # recorded with the template, and so goes on in it
    assert done.out.strip() == sglc("run", chat, *words).out.strip()
    assert "no chat template `vicuna`" in sglc("run", chat, "--chat-template", "vicuna").err


def test_forced_text_is_not_sampled(sglc: Command, program: Write) -> None:
    path = program('type T:\n    first: bool\n    second: bool\n'
                   'prompt p() -> T:\n    "Card: "\n    return gen(T)\n')  # fmt: skip
    costs = []
    for words in ([], ["--no-jump-forward"]):
        done = sglc("run", path, "--json", *words)
        (cost,) = json.loads(done.out)["stats"].values()
        costs.append(cost)
    jumped, plain = costs
    assert plain["forced_tokens"] == 0
    assert plain["completion_tokens"] == plain["completion_tokens_wo_jump_forward"]
    assert jumped["completion_tokens_wo_jump_forward"] < jumped["completion_tokens"] / 2
    assert jumped["decode_steps"] < plain["decode_steps"] / 2


def test_stream_prints_what_the_model_writes(sglc: Command, program: Write) -> None:
    question = "What is the capital of Peru?"
    plain = sglc("run", program(ASK), "--question", question).out
    done = sglc("run", program(ASK), "--question", question, "--stream")
    assert done.code == 0
    assert done.out.startswith("answer: ")
    assert done.out.removeprefix("answer: ").strip() == plain.strip()


def test_results_that_the_conversation_does_not_show_are_printed_after_it(
    sglc: Command, program: Write
) -> None:
    path = program('prompt p(n: int):\n    "n is {n}"\n    twice = n * 2\n    same = n\n')
    assert sglc("run", path, "--n", "21").out == "n is 21\n\ntwice = 42\n"


def test_a_seed_repeats_a_sample(sglc: Command, program: Write) -> None:
    path = program('prompt p():\n    "Once upon a time{s = gen(max_tokens=12, temperature=1.5)}"\n')
    outs = [sglc("run", path, "--seed", seed).out for seed in (7, 7, 8)]
    assert outs[0] == outs[1]
    assert outs[0] != outs[2]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ([], "`question` (str) is missing"),
        (["--question", "x", "--tims", "2"], "unknown argument '--tims'"),
        (["--question", "x", "--times", "two"], "must be an integer"),
        (["--arg", "question"], "NAME=VALUE"),
        (["--prompt", "tell"], "no prompt `tell`"),
        (["--question", "x", "--out", "y"], "--out goes with --inputs"),
        (["--question", "x", "--seed", "x"], "invalid int value"),
        (["--question", "x", "--timeout", "-1"], "must be a time above 0"),
        (["--question", "x", "--timeout", "nan"], "must be a time above 0"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_wrong_arguments_are_usage_errors(
    sglc: Command, program: Write, words: list[str], told: str
) -> None:
    done = sglc("run", program(ASK), *words)
    assert done.code == 2
    assert told in done.err


def test_a_program_with_errors_does_not_run(sglc: Command, program: Write) -> None:
    assert sglc("run", program('prompt p():\n    "{x}"\n')).code == 1


def test_several_prompts_ask_which_one(sglc: Command, program: Write) -> None:
    done = sglc("run", program('prompt a():\n    "x"\nprompt b():\n    "y"\n'))
    assert done.code == 2
    assert "--prompt" in done.err


@pytest.mark.parametrize(
    ("model", "told"),
    [("no/such-model", "no/such-model"), ("/nowhere", "/nowhere")],
)
def test_an_unknown_model_is_named(sglc: Command, program: Write, model: str, told: str) -> None:
    done = sglc("run", program(ASK), "--question", "x", "--model", model)
    assert done.code == 3
    assert told in done.err


@pytest.mark.parametrize("harm", ["truncated", "garbage", "missing"])
def test_broken_weights_are_named(sglc: Command, program: Write, tmp_path: Path, harm: str) -> None:
    folder = tmp_path / "model"
    shutil.copytree(resolve("embedded"), folder)
    weights = folder / "model.safetensors"
    if harm == "truncated":
        weights.write_bytes(weights.read_bytes()[:100_000])
    elif harm == "garbage":
        weights.write_bytes(b"not weights at all")
    else:
        weights.unlink()
    done = sglc("run", program(ASK), "--question", "x", "--model", folder)
    assert done.code == 3
    assert "safetensors" in done.err


TOOLS = """def slow(text: str) -> str:
    import time
    time.sleep(30)
    return text

def bad(text: str) -> str:
    raise ValueError("the oven is cold")

def wrong(text: str) -> str:
    return 12
"""


def with_tool(name: str, decorator: str = "") -> str:
    return (
        f'{decorator}\ntool {name}(text: str) -> str from "mytools:{name}"\n'
        f'prompt p():\n    "Q: What is 1 + 1?\\nA:{{first = gen(line, max_tokens=8)}}\\n"\n'
        f'    got = {name}("x")\n    "{{got}}"\n'
    ).lstrip()


@pytest.mark.parametrize(
    ("name", "decorator", "told"),
    [
        ("bad", "", "ValueError: the oven is cold"),
        ("slow", "@timeout(0.2)", "0.2"),
        ("wrong", "", "must be str"),
    ],
)
def test_a_tool_that_fails_ends_the_run_with_what_was_done(
    sglc: Command, program: Write, name: str, decorator: str, told: str
) -> None:
    path = program(with_tool(name, decorator))
    path.with_name("mytools.py").write_text(TOOLS)
    done = sglc("run", path)
    assert done.code == 3
    assert told in done.err
    assert "program.sgl:" in done.err
    assert '"first"' in done.out  # what was finished is shown


def test_a_tool_that_is_not_there_is_named(sglc: Command, program: Write) -> None:
    done = sglc("run", program('tool t() -> str\nprompt p():\n    x = t()\n    "{x}"\n'))
    assert done.code == 3
    assert "tool `t` is not bound" in done.err


def rows(path: Path, *questions: object) -> Path:
    path.write_text("".join(json.dumps({"question": q}) + "\n" for q in questions))
    return path


def test_a_batch_answers_every_row_in_order(sglc: Command, program: Write, tmp_path: Path) -> None:
    inputs = rows(tmp_path / "rows.jsonl", *(f"What is {n} + 1?" for n in range(20)))
    out = tmp_path / "out.jsonl"
    assert sglc("run", program(ASK), "--inputs", inputs, "--out", out).code == 0
    lines = [json.loads(line) for line in out.read_text().splitlines()]
    assert [line["input"]["question"] for line in lines] == [f"What is {n} + 1?" for n in range(20)]
    single = sglc("run", program(ASK), "--question", "What is 7 + 1?").out.strip()
    assert lines[7]["value"] == single


def test_a_second_run_goes_on_where_the_first_stopped(
    sglc: Command, program: Write, tmp_path: Path
) -> None:
    inputs = rows(tmp_path / "rows.jsonl", "What is 1 + 1?", "What is 2 + 2?")
    out = tmp_path / "out.jsonl"
    sglc("run", program(ASK), "--inputs", inputs, "--out", out)
    first, second = out.read_text().splitlines(keepends=True)
    out.write_text(first + second[: len(second) // 2])
    done = sglc("run", program(ASK), "--inputs", inputs, "--out", out)
    assert "1 of 2 rows are done" in done.err
    assert out.read_text() == first + second


def test_rows_without_a_column_are_refused_before_any_is_run(
    sglc: Command, program: Write, tmp_path: Path
) -> None:
    inputs = tmp_path / "rows.jsonl"
    inputs.write_text('{"question": "a"}\n{"qestion": "b"}\n{"question": 3}\n')
    done = sglc("run", program(ASK), "--inputs", inputs)
    assert done.code == 2
    assert "row 2: `question` (str) is missing" in done.err
    assert "row 3: `question` must be str: not an integer" in done.err
    assert done.out == ""


def test_a_row_that_fails_leaves_the_others(sglc: Command, program: Write, tmp_path: Path) -> None:
    path = program(
        "prompt p(question: str, limit: int = 1000) -> int:\n"
        '    check question != "b", "no b"\n    return len(question)\n'
    )
    inputs = rows(tmp_path / "rows.jsonl", "a", "b", "ccc")
    done = sglc("run", path, "--inputs", inputs)
    assert done.code == 3
    lines = [json.loads(line) for line in done.out.splitlines()]
    assert [line.get("value") for line in lines] == [1, None, 3]
    assert lines[1]["error"]["message"] == "no b"
    assert "1 of 3 rows failed; row 2: " in done.err
    assert "no b" in done.err


def test_a_full_disk_ends_a_batch_with_a_word(
    sglc: Command, program: Write, tmp_path: Path
) -> None:
    inputs = rows(tmp_path / "rows.jsonl", "a" * 50)
    done = sglc("run", program(ASK), "--inputs", inputs, "--out", "/dev/full")
    assert done.code == 3
    assert "No space left on device" in done.err


def test_batch_statements_run_when_no_argument_is_given(
    sglc: Command, program: Write, tmp_path: Path
) -> None:
    path = program(ASK + 'batch ask from [{question: "What is 1 + 1?"}, {question: "Hello"}]\n')
    done = sglc("run", path)
    assert done.code == 0
    assert [json.loads(line)["input"]["question"] for line in done.out.splitlines()] == [
        "What is 1 + 1?",
        "Hello",
    ]


def test_a_parameter_with_the_name_of_an_option_is_given_with_arg(
    sglc: Command, program: Write
) -> None:
    path = program('prompt main(seed: int, out: str):\n    "{seed}{out}"\n')
    done = sglc("run", path, "--arg", "seed=7", "--arg", "out=x", "--seed", "1", "--nope", "2")
    assert "main takes --arg seed=VALUE, --arg out=VALUE" in done.err
    assert "`out` (str) is missing" in sglc("run", path, "--arg", "seed=7", "--seed", "1").err


def test_out_is_not_for_batch_statements(sglc: Command, program: Write, tmp_path: Path) -> None:
    path = program(ASK + 'batch ask from [{question: "a"}]\nbatch ask from [{question: "b"}]\n')
    done = sglc("run", path, "--out", tmp_path / "out.jsonl")
    assert done.code == 2
    assert "names its file with `to`" in done.err


def test_a_batch_statement_writes_where_it_says(sglc: Command, program: Write) -> None:
    path = program(ASK + 'batch ask from [{question: "What is 1 + 1?"}] to "answers.jsonl"\n')
    assert sglc("run", path).out == ""
    (line,) = path.with_name("answers.jsonl").read_text().splitlines()
    assert json.loads(line)["input"] == {"question": "What is 1 + 1?"}


def test_a_bad_environment_variable_is_named(
    sglc: Command, program: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SGLC_CHUNK_SIZE", "many")
    done = sglc("run", program(ASK), "--question", "x")
    assert done.code == 2
    assert "SGLC_CHUNK_SIZE must be a whole number above 0" in done.err
