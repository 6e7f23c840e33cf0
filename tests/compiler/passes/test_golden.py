"""What each pass makes of programs, and where it must leave them alone.

A file whose name ends in ``_value`` is optimized for a run of which only the value is looked at.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from generators.equivalence import chat_markup

from sglc.compiler.diagnostics import DiagnosticSink
from sglc.compiler.driver import check_source
from sglc.compiler.evaluation import evaluate_function
from sglc.compiler.frontend.graph.module import build_graph
from sglc.compiler.ir.graph import Module, equal
from sglc.compiler.ir.text import print_module
from sglc.compiler.passes.base import Context
from sglc.compiler.passes.pipeline import Pipeline, parse_pipeline
from sglc.compiler.passes.registry import PASSES
from sglc.compiler.passes.report import summary
from sglc.compiler.source import SourceFile

FOLDER = Path(__file__).parents[2] / "golden" / "passes"
BEFORE = {"kv": "motion,script"}
"""What must run before a pass, so that it has something to do."""
FILES = sorted(FOLDER.glob("*/*.sgl"))


def graph_of(path: Path) -> Module:
    sink = DiagnosticSink()
    checked = check_source(SourceFile(path.name, path.read_text()), sink)
    assert checked is not None, sink.diagnostics
    return build_graph(checked)


def context_for(path: Path, module: Module) -> Context:
    roots = frozenset({"main"}) if "main" in module.functions else None
    return Context(roots, path.stem.endswith("_value"), evaluate_function, markup=chat_markup)


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_a_pass_makes_what_the_golden_text_says(
    path: Path, golden: Callable[[Path, str], None]
) -> None:
    module = graph_of(path)
    context = context_for(path, module)
    name = path.parent.name
    module = Pipeline(parse_pipeline(BEFORE.get(name, "")).passes).run(module, context)
    context.changes.clear()
    pipeline = Pipeline(parse_pipeline(name).passes, verify=True)
    made = pipeline.run(module, context)
    report = "".join(f"// {line}\n" for line in summary(context.changes).splitlines())
    golden(path.with_suffix(".sglir"), report + print_module(made))
    again = context_for(path, module)
    assert equal(pipeline.run(made, again), made)
    assert not again.changes


def test_every_pass_has_a_folder() -> None:
    assert {path.parent.name for path in FILES} == set(PASSES)
