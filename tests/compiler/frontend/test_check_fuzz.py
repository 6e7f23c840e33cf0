"""Whatever the text of a program is, the checks give diagnostics and nothing else."""

from __future__ import annotations

import re
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from sglc.compiler.diagnostics.sink import DiagnosticSink
from sglc.compiler.frontend.check import check
from sglc.compiler.source import SourceFile

ROOT = Path(__file__).parents[3]
PROGRAMS = [
    path.read_text(encoding="utf-8")
    for folder in ("examples", "tests/programs/errors")
    for path in sorted((ROOT / folder).glob("*.sgl"))
    if not path.stem.startswith("0509")
]
TOKEN = re.compile(r'"(?:[^"\\\n]|\\.)*"|\w+|\s+|.', re.DOTALL)
WORDS = sorted({t for text in PROGRAMS for t in TOKEN.findall(text) if t.strip() and len(t) < 40})
LINES = sorted({line.strip() for text in PROGRAMS for line in text.split("\n") if line.strip()})


@st.composite
def mutants(draw: st.DrawFn) -> str:
    """A program with some of its words or lines changed."""
    text = draw(st.sampled_from(PROGRAMS))
    if draw(st.booleans()):
        tokens = TOKEN.findall(text)
        for _ in range(draw(st.integers(1, 4))):
            index = draw(st.integers(0, len(tokens) - 1))
            if tokens[index].strip():
                tokens[index] = draw(st.sampled_from(["", *WORDS]))
        return "".join(tokens)
    lines = text.split("\n")
    for _ in range(draw(st.integers(1, 4))):
        index = draw(st.integers(0, len(lines) - 1))
        indent = " " * (len(lines[index]) - len(lines[index].lstrip()))
        lines[index : index + draw(st.integers(0, 1))] = [indent + draw(st.sampled_from(LINES))]
    return "\n".join(lines)


@settings(max_examples=60, deadline=None)
@given(mutants())
def test_changed_programs_give_diagnostics(text: str) -> None:
    sink = DiagnosticSink()
    checked = check(SourceFile(str(ROOT / "examples" / "fuzz.sgl"), text), sink)
    assert (checked is None) == sink.has_errors


def test_deep_and_long_programs_are_checked() -> None:
    sums = " + ".join(["n"] * 140)
    nested = "".join("    " * (k + 1) + f"for a{k} in 1..n:\n" for k in range(16))
    body = "    " * 17 + "x = gen(line)\n"
    fns = "".join(f"fn f{k}(n: int) -> int = f{k + 1}(n) + 1\n" for k in range(50))
    text = f"prompt p(n: int):\n    m = {sums}\n{nested}{body}\n{fns}fn f50(n: int) -> int = n\n"
    sink = DiagnosticSink()
    check(SourceFile("deep.sgl", text), sink)
    assert not sink.has_errors, [d.message for d in sink.diagnostics]
    lets = "".join(f"let a{k} = a{k + 1}\n" for k in range(200)) + "let a200 = f(1)\n"
    check(SourceFile("lets.sgl", lets), sink)
    check(SourceFile("calls.sgl", fns + "let x = f0(1)\n"), sink)
    assert sink.has_errors
