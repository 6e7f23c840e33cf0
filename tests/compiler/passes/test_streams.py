"""Streams that begin inside of a prompt, and the one it is entered with: what passes make of both.

No frontend writes the former so far, so these are graphs.
"""

from __future__ import annotations

import pytest
from generators.byte_model import ByteModel

from sglc.compiler.evaluation import evaluate_function
from sglc.compiler.interpreter import interpret
from sglc.compiler.ir.graph import Module
from sglc.compiler.ir.reader import parse_module
from sglc.compiler.ir.text import print_module
from sglc.compiler.passes.base import Context
from sglc.compiler.passes.pipeline import Pipeline, parse_pipeline

ISOLATED = """
prompt @part(%q: str) -> str {
  %s0 = stream
  %a0 = stream
  %b0 = stream
  %a1 = put %a0, "ask"
  %b1 = put %b0, "ask"
  %a2, %x = gen %a1 <max_tokens = 4, rng = "1">
  %b2, %y = gen %b1 <max_tokens = 4, rng = "2">
  %s1 = put %s0, "ask"
  %s2, %z = gen %s1 <max_tokens = 4, rng = "3">
  %v: str = concat %x, %y, %z
  return %s2, result = %v
}
prompt @main(%q: str) -> str {
  %s0 = stream
  %s1 = put %s0, "before "
  %s2, %v: str = include %s1, @part, %q <rng = "1">
  return %s2, result = %v
}
"""

UNUSED_ENTRY = """
prompt @part(%q: str) -> str {
  %s0 = stream
  %a0 = stream
  %a1 = put %a0, "ask"
  %a2, %x = gen %a1 <max_tokens = 4, rng = "1">
  return %s0, result = %x
}
prompt @main(%q: str) -> str {
  %s0 = stream
  %s1 = put %s0, "before "
  %s2, %v: str = include %s1, @part, %q <rng = "1">
  return %s2, result = %v
}
"""

INNER_FIRST = """
prompt @main(%q: str) -> str {
  %r: str = if true
    do {
      %a0 = stream
      %a1 = put %a0, "inner"
      %a2, %x = gen %a1 <max_tokens = 4, rng = "1">
      yield %x
    }
    else {
      yield "none"
    }
  %s0 = stream
  %s1 = put %s0, %r
  return %s1, result = %r
}
"""


def optimized(text: str, pipeline: str) -> Module:
    made = Pipeline(parse_pipeline(pipeline).passes, rounds=3, verify=True)
    return made.run(parse_module(text), Context(frozenset({"main"}), False, evaluate_function))


@pytest.mark.parametrize("text", [ISOLATED, UNUSED_ENTRY, INNER_FIRST])
@pytest.mark.parametrize("pipeline", ["fold", "gvn", "dce", "fold,gvn,dce"])
def test_the_entry_stream_stays_the_entry(text: str, pipeline: str) -> None:
    wanted = interpret(parse_module(text), "main", {"q": "?"}, ByteModel())
    found = interpret(optimized(text, pipeline), "main", {"q": "?"}, ByteModel())
    assert found.error is None
    assert (found.value, found.text) == (wanted.value, wanted.text)


def test_fresh_streams_with_one_text_are_one_version() -> None:
    text = print_module(optimized(ISOLATED, "gvn"))
    assert "%a2, %x = gen %a1" in text
    assert "%b2" not in text
    assert "%s2, %z = gen %s1" in text  # the caller's text stands before it
    assert "concat %x, %x, %z" in text


def test_an_arm_with_a_stream_of_its_own_stays_an_arm() -> None:
    assert "if true" in print_module(optimized(INNER_FIRST, "fold"))
