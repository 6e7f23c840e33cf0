"""Passes on the command line: levels, pipelines, reports."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sglc.compiler.passes.pipeline import DEFAULT_LEVEL, level
from sglc.runtime.tokenizer.files import Tokenizer

EXAMPLES = Path(__file__).parents[2] / "examples"
Command = Callable[..., Any]
Write = Callable[..., Path]

ASK = """
let N = 2 + 1
prompt ask(q: str) -> str:
    "a"
    "b{N}{q}"
    return gen(max_tokens=4)
"""


def test_the_graph_is_printed_before_and_after_the_passes(sglc: Command, program: Write) -> None:
    path = program(ASK)
    assert '"ab3"' not in sglc("ir", path, "-O0").out
    assert '"ab3"' in sglc("ir", path, "-O1").out
    assert sglc("ir", path).out == sglc("ir", path, "-O2", "--verify").out
    assert '"ab3"' not in sglc("ir", path, "--pipeline", "gvn,dce").out


def test_print_after_shows_the_graph_of_one_pass(sglc: Command, program: Write) -> None:
    done = sglc("ir", program(ASK), "--pipeline", "fold,gvn,fold", "--print-after", "fold")
    assert done.out.count("prompt @ask") == 2
    assert done.out.startswith("// after fold, run 1\n")
    assert "// after fold, run 2\n" in done.out
    refused = sglc("ir", program(ASK), "--pipeline", "fold", "--print-after", "dce")
    assert (refused.code, refused.out) == (2, "")
    assert "'dce' does not run here; these run: fold" in refused.err


def test_a_report_is_text_or_data(sglc: Command, program: Write) -> None:
    path = program(ASK)
    done = sglc("ir", path, "--report")
    assert "program.sgl:4:6: fold: " in done.out
    assert "changes (fold" in done.out
    data = json.loads(sglc("ir", path, "--report", "--json").out)
    assert data["pipeline"] == str(level(DEFAULT_LEVEL))
    first = data["changes"][0]
    assert first.keys() == {"pass", "function", "places", "before", "after", "saved"}
    assert sglc("ir", path, "-O0", "--report").out == "no pass changed anything\n"


@pytest.mark.parametrize("command", ["ir", "run", "compile", "test"])
def test_a_wrong_pipeline_is_wrong_usage(sglc: Command, program: Write, command: str) -> None:
    done = sglc(command, program(ASK), "--pipeline", "fold,dec")
    assert done.code == 2
    assert "column 6: there is no pass 'dec' (did you mean 'dce'?" in done.err
    assert sglc(command, program(ASK), "-O3").code == 2
    assert sglc(command, program(ASK), "-O1", "--pipeline", "fold").code == 2


def test_a_test_sees_every_call_unless_it_is_told_otherwise(sglc: Command, program: Write) -> None:
    """A mock answers call by call: with equal decodes merged, one answer stands for both."""
    path = program("""
prompt ask() -> str:
    "q"
    side as one: a = gen(max_tokens=4)
    side as two: a = gen(max_tokens=4)
    return one.a + two.a
test "both":
    r = run ask() using mock(a=["1", "2"])
    expect r.result == "12"
""")
    assert sglc("test", path).code == 0
    assert sglc("test", path, "-O2").code == 1


def test_check_imports_no_pass() -> None:
    code = (
        "import sys; from sglc.cli.main import main; "
        f"main(['check', {str(EXAMPLES / 'judge.sgl')!r}]); "
        "print([name for name in sys.modules if name.startswith('sglc.compiler.passes')])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


CHAT = """
prompt ask(q: str) -> str:
    user:
        "Is it {q}?"
    assistant:
        return gen("yes"|"no")
"""


def test_the_graph_of_a_model_has_what_its_template_writes(sglc: Command, program: Write) -> None:
    path = program(CHAT)
    assert "role.begin" in sglc("ir", path).out
    done = sglc("ir", path, "--model", "embedded")
    assert '"<|im_start|>", "user\\nIs it "]' in done.out
    assert "role.begin" not in done.out
    assert "role.begin" in sglc("ir", path, "--model", "embedded", "-O0").out
    refused = sglc("ir", path, "--model", "nowhere")
    assert refused.code != 0
    assert "nowhere: no such directory" in refused.err


def test_the_files_of_a_model_are_read_once(
    sglc: Command, program: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[str] = []
    load = Tokenizer.from_dir

    def from_dir(path: Path) -> Tokenizer:
        read.append(str(path))
        return load(path)

    monkeypatch.setattr(Tokenizer, "from_dir", from_dir)
    answers = [sglc("run", program(CHAT), "--q", "so", level) for level in ("-O0", "-O2")]
    assert answers[0].out == answers[1].out
    assert answers[0].out.strip() in ("yes", "no")
    assert len(read) == 2
    sglc("run", program(CHAT), "--q", "so", "--model", "nowhere")
    assert len(read) == 2


LOOP = """
prompt ask(names: list[str], n: int = 1) -> str:
    for name in names: "<{name}>"
    return gen(max_tokens=n)
"""


def test_ir_shows_the_graph_for_runs_with_some_arguments(sglc: Command, program: Write) -> None:
    path = program(LOOP)
    assert "for %names" in sglc("ir", path).out
    done = sglc("ir", path, "--set", 'names=["a", "b"]', "--verify")
    assert (done.code, "for " in done.out, '"<a><b>"' in done.out) == (0, False, True)
    assert "%n: int = 1" in done.out.splitlines()[2]  # it is a parameter all the same


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (("--set", "names"), "--set takes NAME=VALUE, not 'names'"),
        (("--set", "name=x"), "ask has no parameter `name`"),
        (("--set", "n=x"), "`n` must be an integer"),
        (("--set", "n=1", "--prompt", "tell"), "no prompt `tell` in this program"),
        (("--prompt", "ask"), "--prompt says what --set is about"),
    ],
)
def test_an_argument_that_cannot_be_is_wrong_usage(
    sglc: Command, program: Write, words: tuple[str, ...], reason: str
) -> None:
    done = sglc("ir", program(LOOP), *words)
    assert (done.code, done.out) == (2, "")
    assert reason in done.err
