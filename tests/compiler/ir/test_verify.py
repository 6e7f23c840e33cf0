"""Each rule of the verifier, broken once; and modules that break none."""

from __future__ import annotations

import pytest
from generators.ir_programs import modules
from hypothesis import given, settings

from sglc.compiler.ir.graph import Module
from sglc.compiler.ir.op import Literal, Op, Region, Value
from sglc.compiler.ir.reader import parse_module
from sglc.compiler.ir.values import INT
from sglc.compiler.ir.verify import VerifyError, verify, violations
from sglc.constraints import types as t

HEAD = """\
constraint @C = line
tool @look(%k: str) -> str <effect = "readonly">
tool @do(%k: str) -> str
fn @id(%v: str) -> str {
  return result = %v
}
prompt @chat(%q: str = "") {
  %h0 = stream
  %h1 = role.begin %h0 <role = "user">
  %h2 = role.end %h1 <role = "user">
  return %h2
}
prompt @f(%x: str, %n: int) {
  %s = stream
"""
TAIL = "}\n"


def module(body: str) -> Module:
    lines = "".join(f"  {line}\n" for line in body.strip().splitlines())
    return parse_module(HEAD + lines + TAIL)


@settings(max_examples=20, deadline=None)
@given(modules())
def test_random_modules_keep_every_rule(module: Module) -> None:
    assert violations(module) == []


GOOD = [
    '%a, %v = gen %s <max_tokens = 4, constraint = @C, rng = "1">\nreturn %a, v = %v',
    '%a, %v = gen %s <max_tokens = 4, rng = "1", path = "t0">\n'
    '%b, %w = gen %a <max_tokens = 4, rng = "1", path = "t1">\n'
    '%l: stream = for [1], %b <path = "c2"> body (%i: int, %c: stream) {\n'
    '  %d, %y = gen %c <max_tokens = 4, rng = "1">\n  yield %d\n}\nreturn %l, v = %v',
    '%i, %v = include %s, @chat, %x <rng = "1">\nreturn %i',
    'if %n\n  do {\n    return %s\n  }\n  else {\n    yield\n  }\nfail "no"',
    "%e: effect, %v = tool @do, k = %x, after = none\n"
    "%g: effect, %w = tool @do, k = %v, after = %e\nreturn %s",
    "%e: effect, %v = tool @do, k = %x, after = none\n"
    "%l: effect = for [1], %e body (%i: int, %c: effect) {\n"
    "  %d: effect, %w = tool @do, k = %x, after = %c\n  yield %d\n}\nreturn %s",
    "%o: stream = while 3, %s body (%c: stream) {\n  cond %n\n  break %c\n}\nreturn %o",
]


@pytest.mark.parametrize("body", GOOD)
def test_these_keep_every_rule(body: str) -> None:
    assert violations(module(body)) == []


BAD = [
    # V1
    ("V1", "if %n\n  do {\n    %a = const 1\n    yield\n  }\n"
     "  else {\n    %b = neg %a\n    yield\n  }\nreturn %s", "not seen from here"),
    ("V1", "%a = const 1\n%a = const 2\nreturn %s", "defined twice"),
    # V2
    ("V2", "%a = put %x, %s\nreturn %s", "where stream is declared"),
    ("V2", "%a = put %s\nreturn %s", "has 1 operands"),
    ("V2", "%a, %b = neg 1\nreturn %s", "has 2 results"),
    ("V2", "%a = neg 1, x = 2\nreturn %s", "takes no keyword"),
    ("V2", "%a = neg 1 <x = 2>\nreturn %s", "no attribute"),
    ("V2", "%a = cmp 1, 2 <op = \"=>\">\nreturn %s", "is none of"),
    ("V2", "%a = cmp 1, 2\nreturn %s", "lacks the attribute"),
    ("V2", "%a = put %s, 1 <special = 1>\nreturn %s", "where bool is declared"),
    ("V2", "%r: str = if %n\n  do {\n    yield 1\n  }\n  else {\n    yield \"a\"\n  }\nreturn %s",
     "int where str is declared"),
    ("V2", "%r: str = if %n\n  do {\n    yield\n  }\n  else {\n    yield \"a\"\n  }\nreturn %s",
     "has 0 operands, not 1"),
    ("V2", "if %n do {\n  yield\n}\nreturn %s", "0 regions 'else'"),
    ("V2", "%a = call @none <rng = \"1\">\nreturn %s", "no function"),
    ("V2", "%a = call @id, 1 <rng = \"1\">\nreturn %s", "int where str is declared"),
    ("V2", "%a = call @id <rng = \"1\">\nreturn %s", "needs the argument"),
    ("V2", "%a, %b = include %s, @id, %x <rng = \"1\">\nreturn %a", "not a prompt"),
    ("V2", "%a = tool @do, k = %x\nreturn %s", "an effect first"),
    ("V2", "%a = tool @look, z = %x\nreturn %s", "takes no argument"),
    ("V2", "return %x", "where stream is declared"),
    ("V2", "%r: int = for [1], 2, 3 body (%i: int, %c: int) {\n  yield %c\n}\nreturn %s",
     "carries 2 values"),
    ("V2", "%g = fork %s, [1] branch (%b: stream) {\n  yield %b\n}\nreturn %s",
     "a branch takes a stream"),
    ("V2", "%g = fork %s, [1] <until = \"sum\"> branch (%b: stream, %i: int) {\n  yield %b\n}\n"
     "return %s", "is none of"),
    ("V2", "%g: {a: branch} = fork %s <until = \"any\"> branch \"a\" (%b: stream) {\n"
     "  yield %b\n}\n"
     "return %s", "are all waited for"),
    ("V2", "%m: list[int] = map [1] <until = \"goal\"> body (%j: int) {\n  yield %j\n}\nreturn %s",
     "attribute goal"),
    ("V2", "%m: list[int] = map [1] <until = \"all\", goal = 1> body (%j: int) {\n  yield %j\n}\n"
     "return %s", "attribute goal"),
    # V3
    ("V3", "%a = role.begin %s <role = \"user\">\n%b = role.begin %a <role = \"user\">\n"
     "%c = role.end %b <role = \"user\">\nreturn %c", "while 'user' is open"),
    ("V3", "%a = role.end %s <role = \"user\">\nreturn %a", "None is open"),
    ("V3", "%a = role.begin %s <role = \"user\">\nreturn %a", "end it first"),
    ("V3", "%r: stream = if %n\n  do {\n    %a = role.begin %s <role = \"user\">\n"
     "    yield %a\n  }\n  else {\n    yield %s\n  }\nreturn %r", "is open here"),
    ("V3", "%r: stream = for [1], %s body (%i: int, %c: stream) {\n"
     "  %a = role.begin %c <role = \"user\">\n  yield %a\n}\nreturn %r", "where the loop began"),
    ("V3", "%g = fork %s, [1] branch (%b: stream, %i: int) {\n"
     "  %a = role.begin %b <role = \"user\">\n  yield %a\n}\nreturn %s", "a branch ends in role"),
    ("V3", "%a = role.begin %s <role = \"user\">\n%b, %v = include %a, @chat <rng = \"1\">\n"
     "%c = role.end %b <role = \"user\">\nreturn %c", "has roles"),
    # V4
    ("V4", "%a = stream\n%b = put %a, 1\nreturn %b", "entry stream"),
    # V5
    ("V5", "%e: effect, %v = tool @do, k = %x, after = none\n"
     "%g: effect, %w = tool @do, k = %x, after = %e\n"
     "%h: effect, %u = tool @do, k = %x, after = %e\nreturn %s", "used twice"),
    ("V5", "%e: effect, %v = tool @do, k = %x, after = none\n"
     "%g: effect, %w = tool @do, k = %x, after = none\nreturn %s", "second chain"),
    ("V5", "%e: effect, %v = tool @do, k = %x, after = none\n"
     "%g = fork %s, [1] branch (%b: stream, %i: int) {\n"
     "  %h: effect, %w = tool @do, k = %x, after = %e\n  yield %b\n}\nreturn %s", "crosses"),
    ("V5", "for [1] body (%i: int) {\n  %h: effect, %w = tool @do, k = %x, after = none\n  yield\n}"
     "\nreturn %s", "must be carried"),
    # V6
    ("V6", "while none body {\n  cond %n\n  yield\n}\nreturn %s", "no limit"),
    ("V6", "%a, %v = gen %s <rng = \"1\">\nreturn %a", "max_tokens"),
    ("V6", "%v = call @f, %x, %n <rng = \"1\">\n%a, %w = gen %s <max_tokens = 1, rng = \"2\">\n"
     "return %a", "calls itself"),
    # V7
    ("V7", "%a, %v = gen %s <max_tokens = 1, constraint = @D, rng = \"1\">\nreturn %a",
     "no constraint @D"),
    # V8
    ("V8", "%a, %v = gen %s <max_tokens = 1>\nreturn %a", "no `rng` site"),
    ("V8", "%a, %v = gen %s <max_tokens = 1, rng = \"1\">\n"
     "%b, %w = gen %a <max_tokens = 1, rng = \"1\">\nreturn %b", "used twice"),
    ("V8", "%a, %v = gen %s <max_tokens = 1, rng = \"1\", path = \"t0\">\n"
     "%b, %w = gen %a <max_tokens = 1, rng = \"1\", path = \"t0\">\nreturn %b", "used twice"),
    ("V2", "%a, %v = gen %s <max_tokens = 1, rng = \"1\", path = \"0\">\nreturn %a",
     "where site is declared"),
    ("V8", "%v = call @id, %x <rng = \"a\">\nreturn %s", "is a number"),
    # V9
    ("V9", "heat %s\nreturn %s", "no op 'heat'"),
    # V10
    ("V10", "%a = const 1", "must end the region"),
    ("V10", "return %s\nreturn %s", "ops follow"),
    ("V10", "break", "not in a loop"),
    ("V10", "yield", "cannot end a function"),
    ("V10", "%g = fork %s, [1] branch (%b: stream, %i: int) {\n  return %b\n}\nreturn %s",
     "cannot leave a branch"),
    ("V10", "for [1] body (%i: int) {\n  %m = map [1] body (%j: int) {\n    break\n  }\n  yield\n}"
     "\nreturn %s", "not in a loop"),
    ("V10", "while 3 body {\n  yield\n}\nreturn %s", "exactly one `cond`"),
    ("V10", "cond %n\nreturn %s", "exactly one `cond`"),
]  # fmt: skip


@pytest.mark.parametrize(("rule", "body", "reason"), BAD)
def test_broken_rule_is_named(rule: str, body: str, reason: str) -> None:
    found = violations(module(body))
    assert any(error.rule == rule and reason in error.reason for error in found), found


def test_the_message_names_rule_function_and_op() -> None:
    with pytest.raises(VerifyError, match=r"V2: @f: %a = neg: takes no keyword 'x'"):
        verify(module("%a = neg 1, x = 2\nreturn %s"))


def test_use_before_definition_is_found() -> None:
    value = Value("v", INT)
    early = Op(name="neg", results=(Value("w", INT),), args=(value,))
    late = Op(name="const", results=(value,), args=(Literal(1),))
    good = module("return %s")
    f = good.functions["f"]
    body = Region(ops=(f.body.ops[0], early, late, *f.body.ops[1:]))
    found = violations(good.with_function(f.with_body(body)))
    assert [error.rule for error in found] == ["V1"]


def test_constraints_must_be_possible() -> None:
    good = module("return %s")
    unknown = Module(functions=good.functions, tools=good.tools, constraints={"C": t.OneOf()})
    assert "cannot be generated" in violations(unknown)[0].reason
    empty = Module(functions=good.functions, tools=good.tools, constraints={"C": t.Int(3, 1)})
    assert violations(empty) == []
    assert "no text satisfies" in violations(empty, languages=True)[0].reason


def test_hints_are_those_that_are_declared() -> None:
    good = module("return %s")
    verify(good.with_hint("single_flight", True))
    (unknown,) = violations(good.with_hint("fast", True))
    assert unknown.rule == "V2"
    assert "no hint 'fast' (known: single_flight" in unknown.reason
    (wrong,) = violations(good.with_hint("single_flight", "yes"))
    assert "hint single_flight: 'yes' where bool is declared" in wrong.reason
    verify(good.with_hint("prefixes", (("begin", "user", "text", "Hello"),)))
    for value in (("text", "a"), (("text",),), (("bold", "a"),), (("text", 1),)):
        (wrong,) = violations(good.with_hint("prefixes", value))
        assert "where segments is declared" in wrong.reason
