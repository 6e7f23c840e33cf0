"""Every example and the prompts of the standard library mean the same in every pipeline."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from generators.equivalence import Reference, expect_equivalent
from generators.shipped_programs import CASES, IDS, ROOT, make_tools

from sglc.compiler.diagnostics import DiagnosticSink
from sglc.compiler.driver import check_source
from sglc.compiler.frontend.graph.module import build_graph
from sglc.compiler.ir.graph import Module
from sglc.compiler.source import SourceFile


def graph_of(name: str) -> Module:
    sink = DiagnosticSink()
    checked = check_source(SourceFile.read(ROOT / f"{name}.sgl"), sink)
    assert checked is not None, sink.diagnostics
    return build_graph(checked)


@pytest.mark.parametrize(("name", "prompt", "arguments"), CASES, ids=IDS)
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
