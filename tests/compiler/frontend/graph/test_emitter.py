"""Names of values: unique, whatever the names of the program are."""

from __future__ import annotations

from sglc.compiler.frontend.graph.emitter import Emitter
from sglc.compiler.ir.values import STR


def test_a_numbered_name_is_not_given_again() -> None:
    emitter = Emitter()
    emitter.parameter("text2", STR)
    names = [emitter.value(hint, STR).name for hint in ("text", "text", "text1", "text", "text2")]
    assert names[:2] == ["text", "text1"]
    assert len({*names, "text2"}) == 6
