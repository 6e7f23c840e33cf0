"""Programs as the views see them."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from sglc.compiler.diagnostics import DiagnosticSink
from sglc.compiler.driver import compile_source
from sglc.compiler.source import SourceFile
from sglc.viz.atlas import Atlas


@pytest.fixture
def atlas_of() -> Callable[[str | SourceFile], Atlas]:
    """Compile a program and show its prompts and what they call."""

    def make(source: str | SourceFile) -> Atlas:
        file = SourceFile("program.sgl", source) if isinstance(source, str) else source
        sink = DiagnosticSink()
        program = compile_source(file, sink)
        assert program is not None, sink.diagnostics
        functions = program.graph.functions.values()
        return Atlas(program.graph, [f.name for f in functions if f.kind == "prompt"])

    return make
