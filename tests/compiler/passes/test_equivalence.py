"""No pass changes what can be seen: generated programs, in every pipeline, token for token.

`--num-programs` draws more than the suite has time for.
"""

from __future__ import annotations

import random

import pytest
from generators import ir_programs, sgl_programs
from generators.equivalence import Reference, expect_equivalent, with_twins
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sglc.compiler.diagnostics import DiagnosticSink
from sglc.compiler.driver import check_source
from sglc.compiler.frontend.graph.module import build_graph
from sglc.compiler.ir.graph import Module
from sglc.compiler.source import SourceFile

pytestmark = pytest.mark.usefixtures("built_here")

ARGUMENTS = {"x": "what", "n": 2}


def graph_of(text: str) -> Module:
    sink = DiagnosticSink()
    checked = check_source(SourceFile("random.sgl", text), sink)
    assert checked is not None, sink.diagnostics
    return build_graph(checked)


@pytest.fixture
def num_programs(request: pytest.FixtureRequest) -> int:
    """How many programs each generator draws."""
    count: int = request.config.getoption("--num-programs")
    return count


def bounded(count: int) -> settings:
    return settings(
        max_examples=count, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck)
    )


@pytest.mark.timeout(0)
def test_random_graphs_mean_the_same(num_programs: int) -> None:
    @bounded(num_programs)
    @given(ir_programs.modules(), st.randoms(use_true_random=False))
    def check(drawn: Module, order: random.Random) -> None:
        module = with_twins(drawn, order)
        reference = Reference(
            module, ir_programs.ENTRY, ir_programs.ARGUMENTS, ir_programs.make_tools
        )
        expect_equivalent(reference, module, order)

    check()


@pytest.mark.timeout(0)
def test_random_sources_mean_the_same(num_programs: int) -> None:
    @bounded(num_programs)
    @given(sgl_programs.programs(), st.randoms(use_true_random=False))
    def check(text: str, order: random.Random) -> None:
        module = with_twins(graph_of(text), order)
        reference = Reference(module, "main", ARGUMENTS, sgl_programs.make_tools)
        expect_equivalent(reference, module, order)

    check()
