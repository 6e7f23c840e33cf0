"""The plan of a module: numbers, needs, gates."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from generators.ir_programs import modules
from hypothesis import given, settings

from sglc.compiler.ir.graph import Module
from sglc.compiler.ir.op import Op, Region
from sglc.compiler.ir.reader import parse_module
from sglc.compiler.ir.spec import exits, is_total
from sglc.compiler.lowering.lower import lower_module
from sglc.compiler.plan.plan import Block, Const, Function, Items, Node, Plan, Ref, walk
from sglc.compiler.plan.serial import plan_from_data, plan_to_data

TEXT = """\
source "a.sgl"
constraint @C = line
tool @do(%k: str) -> str <timeout_s = 2>
prompt @main(%x: str, %n: int = 3) {
  %s0 = stream
  %a = concat %x, "!"
  check %n, "why" loc(3:7)
  %b = concat %a, "!"
  %i = arith %n, 1 <op = "/">
  %s1, %v = gen %s0, choices = [%b, "no"] <constraint = @C, max_tokens = 4, rng = "1">
  %s2: stream, %r: str = if %n
    do {
      return %s1, early = %a
    }
    else {
      yield %s1, %v
    }
  %e: effect, %o = tool @do, k = %r, after = none
  %c = call @main, %b <rng = "2">
  %m = concat %b, "x"
  return %s2, r = %r
}
"""


@pytest.fixture(scope="module")
def plan() -> Plan:
    return lower_module(parse_module(TEXT), "main")


def node(plan: Plan, op: str) -> Node:
    return next(n for n in walk(plan.functions["main"].body) if n.op == op)


def test_symbols_become_attributes(plan: Plan) -> None:
    assert node(plan, "gen").attrs == {"constraint": "C", "max_tokens": 4, "rng": "1"}
    assert node(plan, "tool").attrs == {"tool": "do"}
    assert node(plan, "call").attrs == {"callee": "main", "rng": "2"}
    assert len(node(plan, "call").args) == 1


def test_operands(plan: Plan) -> None:
    (choices,) = (arg for key, arg in node(plan, "gen").kwargs if key == "choices")
    assert isinstance(choices, Items)
    assert isinstance(choices.items[0], Ref)
    assert choices.items[1] == Const("no")
    assert node(plan, "tool").kwarg("after") == Const(None)


def test_parameters_and_places(plan: Plan) -> None:
    x, n = plan.functions["main"].params
    assert (x.name, x.value, x.has_default) == ("x", 0, False)
    assert (n.name, n.value, n.default) == ("n", 1, 3)
    assert str(node(plan, "check").loc) == "a.sgl:3:7"
    assert plan.tools["do"].timeout_s == 2


def test_what_may_fail_waits_for_the_check_and_what_cannot_does_not(plan: Plan) -> None:
    body = plan.functions["main"].body.nodes
    check, choose = node(plan, "check"), node(plan, "if")
    assert check.may_exit
    assert choose.may_exit
    waits = {n.op: n.after for n in body}
    assert waits["arith"] == waits["gen"] == waits["if"] == (check.id,)
    assert waits["tool"] == waits["call"] == waits["return"] == (choose.id,)
    assert all(n.after == () for n in body if n.op in ("concat", "stream"))


def test_a_control_node_needs_what_its_blocks_read(plan: Plan) -> None:
    choose, gen = node(plan, "if"), node(plan, "gen")
    (concat, *_) = (n for n in walk(plan.functions["main"].body) if n.op == "concat")
    assert set(choose.needs) == {1, *concat.outputs, *gen.outputs}


def test_a_library_has_no_entry_but_a_missing_one_is_an_error() -> None:
    assert lower_module(parse_module(TEXT), "").entry == ""
    with pytest.raises(KeyError):
        lower_module(parse_module(TEXT), "other")


EXITS = [
    ("try\n  body {\n    check %n\n    yield\n  }\n  else {\n    yield\n  }", False),
    ("try\n  body {\n    return %s\n  }\n  else {\n    yield\n  }", True),
    ("try\n  body {\n    yield\n  }\n  else {\n    fail \"x\"\n  }", True),
    ("for [1] body (%i: int) {\n  break\n}", False),
    ("for [1] body (%i: int) {\n  check %n\n  yield\n}", True),
    ("while 2 body {\n  cond %n\n  continue\n}", False),
    ("%g = fork %s, [1] branch (%b: stream, %i: int) {\n  check %n\n  yield %b\n}", True),
    ("%v = call @f, 1 <rng = \"1\">", False),
]  # fmt: skip


@pytest.mark.parametrize(("body", "leaves"), EXITS)
def test_who_may_leave_its_block(body: str, leaves: bool) -> None:
    text = f"prompt @f(%n: int) {{\n%s = stream\n{body}\nreturn %s\n}}\n"
    plan = lower_module(parse_module(text), "f")
    assert plan.functions["f"].body.nodes[1].may_exit is leaves


def pairs(region: Region, block: Block) -> Iterator[tuple[Op, Node, Block]]:
    for op, node in zip(region.ops, block.nodes, strict=True):
        yield op, node, block
        for inner, inner_block in zip(op.regions, node.blocks, strict=True):
            yield from pairs(inner, inner_block)


def check_block(function: Function, block: Block, outer: set[int]) -> None:
    """Nodes read what is there, and wait directly or not for every gate before them."""
    known = outer | set(block.params)
    gates: list[int] = []
    waits: dict[int, set[int]] = {}
    for node in block.nodes:
        assert set(node.needs) <= known
        waits[node.id] = set(node.after).union(*(waits[earlier] for earlier in node.after))
        assert waits[node.id] <= set(gates)
        if node.after or node.may_exit or node is block.terminator:
            assert waits[node.id] == set(gates)
        for inner in node.blocks:
            check_block(function, inner, known)
        assert not known & set(node.outputs)
        known |= set(node.outputs)
        if node.may_exit:
            gates.append(node.id)


@settings(max_examples=20, deadline=None)
@given(modules())
def test_random_plans(module: Module) -> None:
    plan = lower_module(module, "main")
    for name, function in plan.functions.items():
        check_block(function, function.body, {p.value for p in function.params})
        for op, node, block in pairs(module.functions[name].body, function.body):
            is_last = node is block.terminator
            assert node.op == op.name
            assert node.may_exit == (bool(exits(op)) and not is_last)
            earlier = block.nodes[: block.nodes.index(node)]
            gated = any(other.may_exit for other in earlier) and (is_last or not is_total(op))
            assert bool(node.after) == gated
    data = json.loads(json.dumps(plan_to_data(plan)))
    assert plan_from_data(data).digest == plan.digest
