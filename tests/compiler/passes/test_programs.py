"""Every example and the prompts of the standard library mean the same in every pipeline."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from generators.equivalence import Reference, expect_equivalent

from sglc.compiler.diagnostics import DiagnosticSink
from sglc.compiler.driver import check_source
from sglc.compiler.frontend.graph.module import build_graph
from sglc.compiler.ir.graph import Module
from sglc.compiler.source import SourceFile

ROOT = Path(__file__).parents[3]
QUESTION = {"question": "Why?"}
CASES: list[tuple[str, str, Mapping[str, Any]]] = [
    ("examples/agent", "agent", {"task": "Fix it.", "max_steps": 2}),
    ("examples/capitals", "capitals", QUESTION),
    ("examples/character", "character", {"name": "Ada"}),
    ("examples/debate", "debate", {"topic": "Tea."}),
    ("examples/dns_ip", "dns_ip", {}),
    ("examples/judge", "judge", {"essay": "It rains."}),
    ("examples/multi_turn", "multi_turn", {"question_1": "Why?", "question_2": "How?"}),
    ("examples/rag", "rag", QUESTION),
    ("examples/react", "react", {**QUESTION, "max_steps": 2}),
    ("examples/solve", "solve", {**QUESTION, "samples": 2}),
    ("examples/text_qa", "text_qa", QUESTION),
    ("examples/tip_suggestion", "tip_suggestion", {}),
    ("examples/tool_use", "tool_use", QUESTION),
    ("examples/tour", "tour", {}),
    ("examples/tree_of_thought", "tree_of_thought", {**QUESTION, "width": 2, "depth": 1}),
    ("stdlib/judge", "grade", {"text": "t", "criterion": "wit"}),
    ("stdlib/judge", "score", {"text": "t", "criteria": ["clarity", "wit"]}),
    ("stdlib/judge", "compare", {**QUESTION, "a": "x", "b": "y"}),
    ("stdlib/react", "next_action", {**QUESTION, "notes": []}),
    ("stdlib/react", "conclude", {**QUESTION, "notes": []}),
    ("stdlib/vote", "answer", {**QUESTION, "samples": 2}),
    ("stdlib/vote", "number_of", {**QUESTION, "samples": 2}),
]


def graph_of(name: str) -> Module:
    sink = DiagnosticSink()
    checked = check_source(SourceFile.read(ROOT / f"{name}.sgl"), sink)
    assert checked is not None, sink.diagnostics
    return build_graph(checked)


def make_tools(log: list[str]) -> dict[str, Callable[..., Any]]:
    """Stand for the tools of the examples; ``run_tests`` is the one that changes something."""

    def run_tests() -> str:
        log.append("run_tests")
        return "1 failed"

    return {
        "read_file": lambda path: f"text of {path[:4]}",
        "run_tests": run_tests,
        "wiki": lambda query: f"about {query[:4]}",
        "tools.index.retrieve": lambda question, k=3: [{"title": "t", "body": "x"}] * k,
    }


@pytest.mark.parametrize(
    ("name", "prompt", "arguments"), CASES, ids=[f"{name}-{prompt}" for name, prompt, _ in CASES]
)
def test_a_program_means_the_same(name: str, prompt: str, arguments: Mapping[str, Any]) -> None:
    module = graph_of(name)

    def tools(log: list[str]) -> dict[str, Callable[..., Any]]:
        return {key: tool for key, tool in make_tools(log).items() if key in module.tools}

    reference = Reference(module, prompt, arguments, tools)
    expect_equivalent(reference, module, random.Random(name))


def test_every_program_has_a_case() -> None:
    files = {
        path.relative_to(ROOT).with_suffix("").as_posix()
        for folder in ("examples", "stdlib")
        for path in (ROOT / folder).glob("*.sgl")
    }
    # one needs a model that sees, the other has functions only
    assert files - {name for name, *_ in CASES} == {"examples/image_qa", "stdlib/text"}
