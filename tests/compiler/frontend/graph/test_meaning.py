"""What programs mean: source in, what the reference interpreter makes of it out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest
from generators.byte_model import ByteModel

from sglc.compiler.diagnostics import DiagnosticSink
from sglc.compiler.driver import compile_source
from sglc.compiler.interpreter import Outcome, interpret
from sglc.compiler.ir.graph import equal
from sglc.compiler.ir.reader import parse_module
from sglc.compiler.ir.text import print_module
from sglc.compiler.source import SourceFile


def run(text: str, arguments: Mapping[str, Any] | None = None) -> tuple[Outcome, list[str]]:
    """Run ``main``; also return the arguments of the calls of the effectful tool ``note``."""
    sink = DiagnosticSink()
    program = compile_source(SourceFile("t.sgl", "tool note(x: str) -> str\n" + text), sink)
    assert program is not None, sink.diagnostics
    assert equal(parse_module(print_module(program.graph)), program.graph)
    log: list[str] = []

    def note(x: str) -> str:
        log.append(x)
        return f"<{x}>"

    tools: dict[str, Callable[..., Any]] = {"note": note}
    outcome = interpret(program.graph, "main", arguments or {}, ByteModel(), tools=tools)
    return outcome, log


def said(text: str, arguments: Mapping[str, Any] | None = None) -> str:
    outcome, _ = run(text, arguments)
    assert outcome.error is None, outcome.error
    return outcome.text


# Messages that are left early end all the same.

EARLY = """
prompt main(stop: bool) -> str:
    user:
        "a"
        if stop: return "early"
        "b"
    return "late"
"""


@pytest.mark.parametrize(("stop", "value", "text"), [(True, "early", "a"), (False, "late", "ab")])
def test_a_return_ends_the_message_around_it(stop: bool, value: str, text: str) -> None:
    outcome, _ = run(EARLY, {"stop": stop})
    assert outcome.value == value
    assert outcome.messages == [{"role": "user", "content": text}]
    assert outcome.text.count("<|end|>") == 1


def test_break_and_continue_end_the_messages_of_their_loop_alone() -> None:
    text = """
prompt main():
    for i in 1..3:
        assistant:
            "a{i}"
            if i == 2: continue
            for j in 1..2:
                if j == 2: break
                "b"
            if i == 3: break
            "c"
    user: "end"
"""
    outcome, _ = run(text)
    contents = [message["content"] for message in outcome.messages]
    assert contents == ["a1bc", "a2", "a3b", "end"]


# Tools that change the world keep the order of the program wherever they are called.


@pytest.mark.parametrize(
    ("body", "calls"),
    [
        ('xs = [note("{i}") for i in 1..2]\n    "{xs}"', ["1", "2"]),
        (
            'xs = [[note("{i}{j}") for j in 1..2] for i in 1..2]\n    "{xs}"',
            ["11", "12", "21", "22"],
        ),
        ('xs = [i for i in 1..2 if note("{i}") == "<1>"]\n    "{xs}"', ["1", "2"]),
        ('fork i in 1..2 as b: "x"\n    for i in 1..2:\n        keep b[len(note("a")) - 3]',
         ["a", "a"]),
        ('for i in 1..2:\n        check i > 0, note("bad")', []),
        ('for i in 1..2:\n        while false limit len(note("l")): pass', ["l", "l"]),
        ('with max_tokens=len(note("w")):\n        "a"\n        gen()\n        gen()', ["w"]),
        ('if len("a") > 0:\n        _ = note("first")', ["first"]),
        (
            'for i in 1..3:\n        if i == 2: continue\n        _ = note("{i}")\n'
            '        if i == 3:\n            if len("a") == 1: break\n        _ = note("z")',
            ["1", "z", "3"],
        ),
        ('match len("a"):\n        1: _ = note("first")\n        else: "x"', ["first"]),
    ],
)  # fmt: skip
def test_effects_are_in_order(body: str, calls: list[str]) -> None:
    outcome, log = run(f'prompt main():\n    _ = note("0")\n    {body}\n    _ = note("9")\n')
    assert outcome.error is None
    assert log == ["0", *calls, "9"]
    _, log = run(f"prompt main():\n    {body}\n")  # the chain begins in it
    assert log == calls


# What a test has shown of a value holds where it is used.

NARROW = """
fn shout(s: str) -> str = s + "!"
prompt main(o: str?, k: ("a" | "b" | "c")?, n: int?) -> str:
    x = o if o != none else "d"
    ys = [v for v in [n, 1] if v != none]
    if n != none and n > 2: m = n
    else: m = 9
    if k == none or k == "c": return "{x}{ys}{m}"
    if k == "a": return k
    if o != none: return shout(o)
    return k
"""


@pytest.mark.parametrize(
    ("o", "k", "n", "value"),
    [
        ("q", None, 3, "q[3, 1]3"),
        (None, "c", None, "d[1]9"),
        (None, "a", 1, "a"),
        ("q", "b", 1, "q!"),
        (None, "b", 1, "b"),
    ],
)
def test_narrowed_values(o: str | None, k: str | None, n: int | None, value: str) -> None:
    outcome, _ = run(NARROW, {"o": o, "k": k, "n": n})
    assert outcome.value == value


# When things are evaluated.


def test_the_message_of_a_check_is_made_when_it_fails() -> None:
    text = 'prompt main(xs: list[int]):\n    check len(xs) == 0, "first: {xs[0]}"\n    "ok"\n'
    assert said(text, {"xs": []}) == "ok"
    outcome, _ = run(text, {"xs": [7]})
    assert outcome.error is not None
    assert outcome.error.reason == "first: 7"


def test_the_options_of_a_block_are_those_at_its_start() -> None:
    text = """
prompt main(n: int) -> int:
    "a"
    with max_tokens=n:
        n = 1
        x = gen(str(min=4))
    return len(x)
"""
    outcome, _ = run(text, {"n": 8})
    assert outcome.error is None
    assert outcome.value > 1


# Fields that have a default and are left out, in every place where a record may be written.

LEFT_OUT = """
type F:
    since: str
    kinds: list["a" | "b"] = []
    limit: int = 3

type Outer:
    f: F
    fs: list[F] = []
    either: int | F = 0

@pure
tool limit_of(f: F) -> int

let fixed: F = {since: "let"}

fn of_fn(f: F) -> int = f.limit
fn made() -> F = {since: "made"}
fn of_maybe(f: F?) -> int = f.limit if f != none else 0

prompt inner(f: F, d: F = {since: "default"}) -> int:
    "{f.since}"
    return f.limit + d.limit

prompt main(given: F) -> int:
    f: F = {since: "x", kinds: []}
    o: Outer = {f: {since: "g", limit: 1}, fs: [{since: "1"}, {since: "2"}], either: {since: "e"}}
    "{f} {o.fs[1].limit} {o.either} {of_fn({since: "y"})} {of_maybe({since: "y"})} "
    "{fixed.limit} {made().limit} {limit_of({since: "t"})} {given.limit}"
    return inner({since: "z", limit: 2})
"""


def test_fields_that_are_left_out_have_their_defaults() -> None:
    sink = DiagnosticSink()
    program = compile_source(SourceFile("t.sgl", LEFT_OUT), sink)
    assert program is not None, sink.diagnostics
    tools = {"limit_of": lambda f: f["limit"]}
    outcome = interpret(program.graph, "main", {"given": {"since": ""}}, ByteModel(), tools=tools)
    assert outcome.error is None, outcome.error
    full = '{"since": "%s", "kinds": [], "limit": 3}'
    assert outcome.text == f"{full % 'x'} 3 {full % 'e'} 3 3 3 3 3 3"
    assert outcome.value == 5


def test_a_field_is_not_filled_in_behind_a_name() -> None:
    sink = DiagnosticSink()
    text = LEFT_OUT.replace('f: F = {since: "x", kinds: []}', 'f = {since: "x"}\n    _ = of_fn(f)')
    assert compile_source(SourceFile("t.sgl", text), sink) is None
    assert [each.code for each in sink.diagnostics] == ["SGL0401"]
