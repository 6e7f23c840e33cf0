"""The way from text to plan leaves the process as it was."""

from __future__ import annotations

import gc

import pytest

from sglc.compiler.diagnostics import DiagnosticSink
from sglc.compiler.driver import collector_paused, compile_source
from sglc.compiler.source import SourceFile


@pytest.mark.parametrize("is_on", [True, False])
@pytest.mark.parametrize("text", ['prompt p():\n    "a"\n', "prompt p(\n"])
def test_the_collector_is_as_it_was(text: str, is_on: bool) -> None:
    was_on = gc.isenabled()
    (gc.enable if is_on else gc.disable)()
    try:
        compile_source(SourceFile("p.sgl", text), DiagnosticSink())
        assert gc.isenabled() == is_on
    finally:
        (gc.enable if was_on else gc.disable)()


def test_it_is_paused_for_a_while() -> None:
    try:
        with collector_paused():
            assert not gc.isenabled()
            raise KeyError
    except KeyError:
        assert gc.isenabled()
