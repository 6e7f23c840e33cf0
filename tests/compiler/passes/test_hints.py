"""Hints stand in a graph without being read: passes neither keep things for them nor lose them."""

from __future__ import annotations

from sglc.compiler.evaluation import evaluate_function
from sglc.compiler.ir.reader import parse_module
from sglc.compiler.ir.verify import verify
from sglc.compiler.lowering.lower import lower_module
from sglc.compiler.passes.base import Context
from sglc.compiler.passes.dce import DeadCode

TEXT = """
prompt @main(%q: str, %n: int) -> str {
  %s0 = stream
  %s1 = put %s0, "Context: "
  warm %s1
  %d1 = put %s1, "dead"
  warm %d1
  %d2, %y = gen %d1 <max_tokens = 4, rng = "1">
  release %d2
  check %n
  warm %s1
  %s2, %x = gen %s1 <max_tokens = 4, rng = "2">
  release %s2
  return %s2, result = %x
}
"""


def test_dead_code_takes_the_hints_about_it_along_and_no_others() -> None:
    module = parse_module(TEXT)
    verify(module)
    context = Context(frozenset({"main"}), True, evaluate_function)
    made = DeadCode().run(module, context)
    verify(made)
    hints = [str(op.args[0]) for _, op in made.walk() if op.spec.hint]
    assert hints == ["%s1", "%s1", "%s2"]
    assert not any("%d" in str(value) for _, op in made.walk() for value in op.results)


LOOP = """
prompt @main(%q: str) -> str {
  %s0 = stream
  %s1 = put %s0, "a"
  %a1: stream, %b1: stream = for [1, 2], %s1, %s1 body (%i: any, %a: stream, %b: stream) {
    warm %a
    warm %b
    %a2, %u = gen %a <max_tokens = 4, rng = "1">
    %b2 = put %b, "y"
    release %b2
    yield %a2, %b2
  }
  release %b1
  release %a1
  return %s1, result = %q
}
"""


def test_hints_about_what_a_loop_no_longer_carries_go() -> None:
    module = parse_module(LOOP)
    verify(module)
    made = DeadCode().run(module, Context(frozenset({"main"}), True, evaluate_function))
    verify(made)
    assert [str(op.args[0]) for _, op in made.walk() if op.spec.hint] == ["%a", "%a1"]


def test_nothing_is_computed_ahead_before_what_may_end_the_region() -> None:
    (function,) = lower_module(parse_module(TEXT), "main").functions.values()
    (gate,) = (node.id for node in function.body.nodes if node.may_exit)
    hints = [node for node in function.body.nodes if node.op in ("warm", "release")]
    waiting = [(node.op, node.after) for node in hints]
    assert waiting == [
        ("warm", ()), ("warm", ()), ("release", ()), ("warm", (gate,)), ("release", ()),
    ]  # fmt: skip
    assert all(len(node.needs) == 1 and not node.outputs for node in hints)
