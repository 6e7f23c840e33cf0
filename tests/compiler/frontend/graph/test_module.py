"""What programs become: one golden graph per group of constructs, and laws over all programs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from sglc.compiler.diagnostics import DiagnosticSink
from sglc.compiler.driver import check_source, entry_prompts
from sglc.compiler.frontend.graph.module import build_graph
from sglc.compiler.ir.graph import Module, equal
from sglc.compiler.ir.reader import parse_module
from sglc.compiler.ir.text import print_module
from sglc.compiler.ir.verify import verify
from sglc.compiler.source import SourceFile

ROOT = Path(__file__).parents[4]
GOLDEN = sorted((ROOT / "tests" / "golden" / "graph").glob("*.sgl"))
PROGRAMS = (
    GOLDEN + sorted((ROOT / "examples").glob("*.sgl")) + sorted((ROOT / "stdlib").glob("*.sgl"))
)


def graph_of(source: SourceFile) -> Module:
    sink = DiagnosticSink()
    checked = check_source(source, sink)
    assert checked is not None, sink.diagnostics
    return build_graph(checked)


def text_graph(text: str) -> str:
    return print_module(graph_of(SourceFile("t.sgl", text)))


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)
def test_graph_is_the_golden_one(path: Path, golden: Callable[[Path, str], None]) -> None:
    source = SourceFile(path.name, path.read_text())
    golden(path.with_suffix(".sglir"), print_module(graph_of(source)))


@pytest.mark.parametrize("path", PROGRAMS, ids=lambda path: path.stem)
def test_every_graph_verifies_and_reads_back(path: Path) -> None:
    graph = graph_of(SourceFile.read(path))
    verify(graph)
    assert equal(parse_module(print_module(graph)), graph)


def test_a_name_bound_on_one_path_is_none_on_the_other() -> None:
    text = text_graph('prompt p(b: bool):\n    if b: x = "one"\n    y = 1\n')
    assert "%x: str? = if %b" in text
    assert "yield none" in text


def test_a_side_leaves_the_stream_as_it_was() -> None:
    text = text_graph(
        'prompt p() -> int:\n    "a"\n    side as s: n = gen(int)\n    "b"\n    return s.n\n'
    )
    assert 'put %s1, "b"' in text


def test_what_a_model_wrote_is_not_said_again() -> None:
    text = text_graph(
        'prompt p():\n    "x"\n    gen(line)\n    "{a = gen(line)}"\n    b = gen(line)\n'
    )
    assert text.count(" put ") == 1


def test_parameters_keep_their_names() -> None:
    assert "fn @f(%s: str, %s0: int) -> str" in text_graph(
        "fn f(s: str, s0: int) -> str = s[:s0]\n"
    )


def test_effects_are_chained_through_calls_of_prompts() -> None:
    text = text_graph(
        "tool t() -> str\nprompt q():\n    a = t()\nprompt p():\n    b = q()\n    c = t()\n"
    )
    assert '%e: effect, %q = call @q <rng = "1">' not in text  # it begins the chain
    assert "tool @t, after = %e" in text


@pytest.mark.parametrize(
    ("text", "entries"),
    [
        ('prompt a():\n    "x"\nprompt main():\n    v = a()\n    w = a()\n', ["main"]),
        ('prompt a():\n    "x"\nprompt b():\n    v = a()\n', ["b"]),
        ('prompt a():\n    "x"\nprompt b():\n    "y"\n', ["a", "b"]),
        ("fn f() -> int = 1\n", []),
    ],
)
def test_the_entries_are_main_or_what_nobody_calls(text: str, entries: list[str]) -> None:
    checked = check_source(SourceFile("t.sgl", text), DiagnosticSink())
    assert checked is not None
    assert entry_prompts(checked) == entries
