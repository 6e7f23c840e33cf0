"""sglc viz: the page, the text forms, and what it says of wrong use."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from generators.trace_format import check_format

EXAMPLES = Path(__file__).parents[2] / "examples"
Command = Callable[..., Any]
Write = Callable[..., Path]


def test_viz_writes_a_page(sglc: Command, tmp_path: Path) -> None:
    out = tmp_path / "out.html"
    assert sglc("viz", EXAMPLES / "tour.sgl", "-o", out) == (0, "", "")
    assert out.read_text(encoding="utf-8").startswith("<!doctype html>")


def test_viz_prints_each_text_form(sglc: Command) -> None:
    path = EXAMPLES / "tool_use.sgl"
    assert sglc("viz", path, "--tree").out.startswith("prompt tool_use(question: str)")
    assert sglc("viz", path, "--dot").out.startswith("digraph program {")
    assert sglc("viz", path, "--mermaid").out.startswith("flowchart TD")


def test_viz_of_one_prompt(sglc: Command) -> None:
    path = EXAMPLES / "debate.sgl"
    assert "prompt debate" in sglc("viz", path, "--tree").out
    alone = sglc("viz", path, "--tree", "--prompt", "house_style").out
    assert alone.startswith("prompt house_style()")
    assert "debate" not in alone


def test_the_page_has_the_passes_asked_for(sglc: Command, program: Write, tmp_path: Path) -> None:
    path, out = program('prompt p(x: str):\n    "{x}{1 + 1}"\n'), tmp_path / "out.html"
    assert sglc("viz", path, "-o", out).code == 0
    assert '"title":"fold"' in out.read_text(encoding="utf-8")
    assert sglc("viz", path, "-o", out, "-O0").code == 0
    assert '"title":"fold"' not in out.read_text(encoding="utf-8")
    assert sglc("viz", path, "-o", out, "--pipeline", "gvn").code == 0
    assert '"title":"fold"' not in out.read_text(encoding="utf-8")
    wrong = sglc("viz", path, "-o", out, "--pipeline", "fould")
    assert (wrong.code, "did you mean 'fold'?" in wrong.err) == (2, True)


def test_a_text_form_is_the_program_as_written_or_behind_passes(
    sglc: Command, program: Write
) -> None:
    path = program('prompt p(x: str):\n    "{x}{1 + 1}"\n')
    assert "1 + 1" in sglc("viz", path, "--mermaid").out
    assert "1 + 1" not in sglc("viz", path, "--mermaid", "-O2").out


def test_a_terminal_gets_no_colours_through_a_pipe(sglc: Command) -> None:
    assert "\x1b" not in sglc("viz", EXAMPLES / "tour.sgl", "--tree").out


def test_viz_says_what_is_wrong(sglc: Command, program: Write, tmp_path: Path) -> None:
    path = EXAMPLES / "debate.sgl"
    near = sglc("viz", path, "--tree", "--prompt", "debat")
    assert (near.code, "did you mean `debate`?" in near.err) == (2, True)
    far = sglc("viz", path, "--tree", "--prompt", "short")
    assert (far.code, "there are: house_style, debate" in far.err) == (2, True)
    assert sglc("viz", path).code == 2
    assert sglc("viz", path, "--tree", "--dot").code == 2
    assert sglc("viz", program("fn f(n: int) -> int = n\n"), "--tree").code == 2
    assert sglc("viz", program("prompt p():\n    oops(\n"), "--tree").code == 1
    assert sglc("viz", tmp_path / "none.sgl", "--tree").code == 2
    missing = sglc("viz", path, "-o", tmp_path / "no" / "out.html")
    assert (missing.code, "No such file" in missing.err) == (3, True)


def test_viz_of_a_run(sglc: Command, program: Write, tmp_path: Path) -> None:
    text = 'prompt p(x: str):\n    "Q: {x}\\nA:{a = gen(line, max_tokens=8)}"\n'
    path, trace, out = program(text), tmp_path / "run.json", tmp_path / "out.html"
    assert sglc("run", path, "--x", "hello", "--trace", trace).code == 0
    assert sglc("viz", path, "--trace", trace, "-o", out) == (0, "", "")
    assert '"label":"run 0 · ' in out.read_text(encoding="utf-8")
    assert sglc("viz", path, "-o", out) == (0, "", "")
    assert '"run":null' in out.read_text(encoding="utf-8")

    other = program('prompt q():\n    "x"\n', "other.sgl")
    done = sglc("viz", other, "--trace", trace, "-o", out)
    assert (done.code, "is a trace of another program" in done.err) == (2, True)
    cut = trace.read_text(encoding="utf-8")
    trace.write_text(cut[: len(cut) // 2], encoding="utf-8")
    done = sglc("viz", path, "--trace", trace, "-o", out)
    assert (done.code, "is no trace: it is not JSON" in done.err) == (2, True)
    missing = sglc("viz", path, "--trace", tmp_path / "none.json", "-o", out)
    assert (missing.code, "cannot be read" in missing.err) == (2, True)
    tree = sglc("viz", path, "--trace", trace, "--tree")
    assert (tree.code, "it goes with -o" in tree.err) == (2, True)


EARLY = """prompt kind(q: str) -> str:
    "Is this about numbers? {q} "
    return gen(line, max_tokens=6)

prompt main(q: str) -> str:
    user: "{q}"
    k = kind(q)
    if k == "yes":
        assistant: a = gen(line, max_tokens=9)
        return a
    else:
        assistant: b = gen(line, max_tokens=9)
        return b
"""


def test_arms_that_began_early_are_in_trace_and_page(
    sglc: Command, program: Write, tmp_path: Path
) -> None:
    path, trace, out = program(EARLY), tmp_path / "run.json", tmp_path / "out.html"
    passes = ("--pipeline", "spec")
    assert sglc("run", path, "--q", "What is 2+3?", "--trace", trace, *passes).code == 0
    data = json.loads(trace.read_text(encoding="utf-8"))
    check_format(data)
    calls = [e["args"] for e in data["traceEvents"] if e.get("cat") == "gen"]
    assert sum(call.get("wasted", False) for call in calls) == 1
    assert sglc("viz", path, "--trace", trace, "-o", out).code == 0
    page = out.read_text(encoding="utf-8")
    assert '"early":true' in page  # the passes are those of the run
    assert '"wasted":true' in page
    assert sglc("viz", path, "--trace", trace, "-o", out, "-O0").code == 0
    assert '"early":true' not in out.read_text(encoding="utf-8")
