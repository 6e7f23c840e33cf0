"""Graphs in files: what was printed is read again, what is damaged is refused with the place."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Command = Callable[..., Any]
Write = Callable[..., Path]

ASK = """
let N = 2 + 1
prompt ask(q: str) -> str:
    "a"
    "b{N}{q}"
    return gen(max_tokens=4)
"""


@pytest.fixture
def graph(sglc: Command, program: Write, tmp_path: Path) -> Path:
    """The graph of a program, before any pass."""
    file = tmp_path / "ask.sglir"
    file.write_text(sglc("ir", program(ASK), "-O0").out)
    return file


def test_a_graph_goes_through_the_passes_like_its_program(
    sglc: Command, program: Write, graph: Path
) -> None:
    assert sglc("ir", graph, "-O0").out == graph.read_text()
    assert sglc("ir", graph).out == sglc("ir", program(ASK)).out
    data = graph.with_suffix(".json")
    data.write_text(sglc("ir", graph, "-O0", "--json").out)
    assert sglc("ir", data).out == sglc("ir", program(ASK)).out
    plan = json.loads(sglc("ir", graph, "--emit", "plan").out)
    assert plan == json.loads(sglc("ir", program(ASK), "--emit", "plan").out) | {"entry": ""}


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda text: text[: len(text) // 2], "ask.sglir:"),
        (lambda text: text.replace("put %s0", "putt %s0"), "V9: @ask"),
        (lambda text: text.replace("put %s0", "put %s9"), "%s9 is read before it is defined"),
        (lambda text: text.replace("result = %out", "result = %s0"), "V2: @ask"),
        (lambda text: "\0" * 50, "ask.sglir:1:1: unexpected"),
    ],
)
def test_a_damaged_graph_is_refused(
    sglc: Command, graph: Path, spoil: Callable[[str], str], said: str
) -> None:
    text = graph.read_text()
    graph.write_text(spoil(text))
    assert graph.read_text() != text
    done = sglc("ir", graph)
    assert (done.code, done.out) == (1, "")
    assert said in done.err
    assert done.err.endswith("ask.sglir is no graph as `sglc ir` writes it\n")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"version": 1', "g.json:1:14: no JSON"),
        ('{"version": 1}', "not the data of a graph"),
        ('{"version": 7}', "unknown version of the graph: 7"),
    ],
)
def test_damaged_data_is_refused(sglc: Command, tmp_path: Path, text: str, said: str) -> None:
    file = tmp_path / "g.json"
    file.write_text(text)
    done = sglc("ir", file)
    assert (done.code, done.out) == (1, "")
    assert said in done.err


def test_what_needs_a_program_is_refused(sglc: Command, graph: Path) -> None:
    done = sglc("ir", graph, "--set", "q=x")
    assert (done.code, done.out) == (2, "")
    assert "--set" in done.err
    missing = sglc("ir", graph.with_name("none.sglir"))
    assert (missing.code, missing.out) == (2, "")
    assert "none.sglir cannot be read" in missing.err
