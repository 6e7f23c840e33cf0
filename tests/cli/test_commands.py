"""check, ir, explain and the command itself: what they print and how they end."""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"
Command = Callable[..., Any]
Write = Callable[..., Path]

BAD = """prompt first(question: str):
    "{qestion}"

prompt second():
    t = select("yes", "no")
    if t == "maybe": "x"
"""


def test_check_of_a_good_program_says_nothing(sglc: Command) -> None:
    assert sglc("check", EXAMPLES / "tool_use.sgl") == (0, "", "")


def test_check_reports_the_mistakes_of_every_prompt(sglc: Command, program: Write) -> None:
    done = sglc("check", program(BAD))
    assert done.code == 1
    assert "error[SGL0101]" in done.err
    assert "did you mean `question`?" in done.err
    assert "error[SGL0405]" in done.err
    assert "program.sgl:2:7" in done.err


def test_check_as_json_has_one_object_per_diagnostic(sglc: Command, program: Write) -> None:
    done = sglc("check", "--json", program(BAD))
    codes = [json.loads(line)["code"] for line in done.out.splitlines()]
    assert {"SGL0101", "SGL0405"} <= set(codes)


def test_strict_makes_warnings_count(sglc: Command, program: Write) -> None:
    path = program('prompt p(unused: str):\n    "x"\n')
    assert sglc("check", path).code == 0
    assert sglc("check", "--strict", path).code == 1


def test_ir_prints_each_form(sglc: Command) -> None:
    path = EXAMPLES / "tool_use.sgl"
    assert "prompt @tool_use(" in sglc("ir", path).out
    assert json.loads(sglc("ir", path, "--json").out)["version"] == 1
    assert json.loads(sglc("ir", path, "--emit", "plan").out)["entry"] == "tool_use"
    assert json.loads(sglc("ir", path, "--emit", "ast").out)["node"] == "Module"


def test_explain_prints_a_page_or_says_there_is_none(sglc: Command) -> None:
    done = sglc("explain", "0405")
    assert done.code == 0
    assert "SGL0405" in done.out
    assert sglc("explain", "SGL9999").code == 2


def test_explain_says_of_a_function_line_by_line_how_it_runs(
    sglc: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = """\
        import sglc

        @sglc.function
        def counted(s, count: int):
            for i in range(count):
                s += sglc.gen(f"line_{i}")
            print(s["line_0"])

        @sglc.function
        def shown(s):
            print(s)

        @sglc.function
        def serial(s, scores: list):
            for i, f in enumerate(s.fork(2)):
                f += f"{i}" + sglc.user("?") + sglc.gen("score")
                scores.append(f["score"])
            print(s)

        @sglc.function
        def limited(s, most):
            s += "Go on: " + sglc.gen("a", max_tokens=most)
            s["b"] = most
    """
    (tmp_path / "explained.py").write_text(textwrap.dedent(text))
    monkeypatch.chdir(tmp_path)
    done = sglc("explain", "explained:counted", "count=2")
    assert done.code == 0, done.err
    assert "is one graph: 2 model calls, 1 host statement" in done.out
    assert '6 graph  |         s += sglc.gen(f"line_{i}")' in done.out
    assert '7 python |     print(s["line_0"])' in done.out
    assert "part of the graph: count = 2" in done.out
    done = sglc("explain", "explained:shown")
    assert "11 here   |     print(s)" in done.out
    assert "SGL0903" in done.out
    done = sglc("explain", "explained:limited")
    assert done.out.endswith("as an example most = '': NAME=VALUE says what it is\n")
    assert "a variable of the state is set" in sglc("explain", "explained:limited", "most=5").out
    done = sglc("explain", "explained:serial", "scores=[]")
    assert '`f["score"]` is needed before the next turn' in done.out
    assert done.out.count("SGL09") == 2
    assert "it has: counted, shown, serial, limited" in sglc("explain", "explained:count").err
    assert "no argument of counted" in sglc("explain", "explained:counted", "n=2").err
    assert sglc("explain", "0405", "n=2").code == 2


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ([], 2),
        (["--help"], 0),
        (["--version"], 0),
        (["fly"], 2),
        (["check"], 2),
        (["run"], 2),
        (["run", "--help"], 0),
        (["ir", "--emit", "x", "y.sgl"], 2),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else str(value),
)
def test_exit_codes_of_wrong_and_right_usage(sglc: Command, words: list[str], code: int) -> None:
    assert sglc(*words).code == code


def test_help_of_a_program_shows_its_parameters(sglc: Command) -> None:
    done = sglc("run", EXAMPLES / "capitals.sgl", "--help")
    assert done.code == 0
    assert "--question" in done.out


@pytest.mark.parametrize(
    "content", [b"\x89PNG\r\n\x1a\n\x00\x01", b"\xff\xfe\x00", b'"' + b"a" * 10_000_000]
)
def test_files_that_are_no_programs_are_refused(
    sglc: Command, tmp_path: Path, content: bytes
) -> None:
    path = tmp_path / "program.sgl"
    path.write_bytes(content)
    done = sglc("check", path)
    assert done.code in (1, 2)
    assert "program.sgl" in done.err
    assert len(done.err) < 2000


@pytest.mark.parametrize("bracket", ["(", "[", "{", "not ", "- "])
def test_deep_nesting_is_a_diagnostic(sglc: Command, program: Write, bracket: str) -> None:
    done = sglc("check", program(f"prompt p():\n    x = {bracket * 100_000}1\n"))
    assert done.code == 1
    assert "error[SGL" in done.err
    assert len(done.err) < 5000


def test_a_missing_file_is_wrong_usage(sglc: Command, tmp_path: Path) -> None:
    done = sglc("check", tmp_path / "none.sgl")
    assert done.code == 2
    assert "none.sgl" in done.err


def test_check_loads_no_tensor_library() -> None:
    code = (
        "import sys; from sglc.cli.main import main; "
        f"code = main(['check', {str(EXAMPLES / 'judge.sgl')!r}]); "
        "heavy = {'torch', 'transformers', 'numpy', 'tokenizers', 'jinja2'}; "
        "print(code, sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "0 []"
