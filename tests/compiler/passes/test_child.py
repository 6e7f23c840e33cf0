"""Streams with a lineage: what decodes draw by the stream they read, in both engines."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import pytest
from generators.equivalence import Reference, optimize
from generators.hash_model import HashModel

from sglc.compiler.interpreter import interpret
from sglc.compiler.ir.graph import Module
from sglc.compiler.ir.reader import parse_module
from sglc.compiler.ir.text import print_module
from sglc.compiler.ir.verify import VerifyError, verify
from sglc.compiler.passes.pipeline import PLAN, level, parse_pipeline

GEN = 'temperature = 1, max_tokens = 8, min_tokens = 8, rng = "stream"'

FORKED = f"""
prompt @main(%x: str) {{
  %s0 = stream
  %s1 = put %s0, %x
  %s2, %before = gen %s1 <name = "before", {GEN}>
  %a = child %s2, 0
  %b = child %s2, 1
  %s3 = child %s2
  %a1, %left = gen %a <{GEN}>
  %b1, %right = gen %b <{GEN}>
  %s4, %after = gen %s3 <{GEN}>
  %same = slice %s2, %b1
  return %s4, left = %left, right = %right, after = %after, same = %same
}}
"""
LOOPED = f"""
prompt @main(%x: str) {{
  %s0 = stream
  %s1 = put %s0, %x
  %s2: stream, %t: list[str] = for [1, 2], %s1, [] body (%i, %s: stream, %acc: list[str]) {{
    %sa, %v = gen %s <{GEN}>
    yield %sa, [%v]
  }}
  %s3, %last = gen %s2 <{GEN}>
  return %s3, last = %last
}}
"""
UNROLLED = f"""
prompt @main(%x: str) {{
  %s0 = stream
  %s1 = put %s0, %x
  %s2, %a = gen %s1 <{GEN}>
  %s3, %b = gen %s2 <{GEN}>
  %s4, %last = gen %s3 <{GEN}>
  return %s4, last = %last
}}
"""
ONLY = f"""
constraint @C = "yes"
prompt @main(%x: str) {{
  %s0 = stream
  %s1 = put %s0, %x
  %s2 = put %s1, "?"
  %s3, %a: "yes" = gen %s2 <constraint = @C, max_tokens = 8, rng = "stream">
  %s4, %b = gen %s3 <{GEN}>
  return %s4, b = %b
}}
"""


def read(text: str) -> Module:
    module = parse_module(text)
    verify(module)
    return module


def reference(module: Module) -> Reference:
    return Reference(module, "main", {"x": "q"}, lambda log: {})


@pytest.mark.parametrize("text", [FORKED, LOOPED, UNROLLED, ONLY])
@pytest.mark.parametrize("number", PLAN)
def test_draws_are_the_same_at_every_level(text: str, number: int) -> None:
    module = read(text)
    expected = reference(module)
    made = optimize(module, level(number))
    expected.expect(made)
    expected.expect_run(made)


def test_children_and_the_parent_draw_apart() -> None:
    values = reference(read(FORKED)).outcome.captures
    drawn = [values["left"], values["right"], values["after"]]
    assert len(set(drawn)) == 3
    assert values["same"] == values["right"]


def test_where_a_decode_stands_is_nothing_to_it() -> None:
    looped = reference(read(LOOPED)).outcome
    assert looped.text == reference(read(UNROLLED)).outcome.text


def test_a_child_of_the_same_number_draws_the_same() -> None:
    text = FORKED.replace("child %s2, 1", "child %s2, 0")
    values = reference(read(text)).outcome.captures
    assert values["left"] == values["right"]


def test_a_text_that_stands_for_a_decode_counts_as_one() -> None:
    made = optimize(read(ONLY), parse_pipeline("bounds"))
    assert "child" in print_module(made)
    reference(read(ONLY)).expect(made)


def instances() -> Iterator[str]:
    for instance in range(4):
        outcome = interpret(read(UNROLLED), "main", {"x": "q"}, HashModel(), instance=instance)
        yield outcome.text


def test_instances_draw_apart() -> None:
    assert all(a != b for a, b in pairwise(instances()))


@pytest.mark.parametrize("number", ["-1", '"a"', "true", "%x"])
def test_a_child_has_a_number(number: str) -> None:
    with pytest.raises(VerifyError, match="number of a child"):
        read(FORKED.replace("child %s2, 1", f"child %s2, {number}"))
