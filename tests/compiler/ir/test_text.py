"""The textual form and the JSON form say everything but each other's comments."""

from __future__ import annotations

import json
from importlib import resources
from typing import cast

import pytest
from generators.ir_programs import modules
from hypothesis import given, settings
from hypothesis import strategies as st
from lark import Lark

from sglc.compiler.ir.builder import ModuleBuilder
from sglc.compiler.ir.graph import Module, ToolDecl, equal
from sglc.compiler.ir.op import AttrValue, Symbol
from sglc.compiler.ir.reader import IrSyntaxError, parse_module
from sglc.compiler.ir.serial import from_data, to_data
from sglc.compiler.ir.text import print_module
from sglc.compiler.ir.values import ANY, STREAM, literals_of, record_of
from sglc.compiler.plan.plan import Loc
from sglc.constraints import types as t

ANY_TEXT = st.text(st.characters(), max_size=8)
SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False),
    ANY_TEXT,
)  # fmt: skip
LISTS = st.recursive(SCALARS, lambda items: st.lists(items, max_size=3), max_leaves=5)
DATA = st.recursive(
    SCALARS,
    lambda item: st.lists(item, max_size=2) | st.dictionaries(ANY_TEXT, item, max_size=2),
    max_leaves=4,
)
LEAF_TYPES: st.SearchStrategy[t.Type] = st.sampled_from(
    [t.Line(), t.Word(), t.Int(), t.Int(-3, 7), t.Int(lo=1), t.Number(2, 3), t.Bool(), t.Json(),
     t.Json(depth=2), t.Str(1, 9, '[a"]'), t.OneOf(), t.Image(), t.NoneType(), t.AnyType()]
)  # fmt: skip
TYPES = st.recursive(
    LEAF_TYPES
    | ANY_TEXT.map(t.Literal)
    | ANY_TEXT.map(t.Regex)
    | st.builds(t.Grammar, ANY_TEXT, st.sampled_from(["start", "line"])),
    lambda inner: (
        inner.map(t.Optional)
        | st.lists(inner, max_size=3).map(lambda options: t.Union(tuple(options)))
        | st.lists(inner, min_size=1, max_size=3).map(lambda parts: t.Concat(tuple(parts)))
        | st.lists(inner, min_size=1, max_size=3).map(lambda parts: t.Both(tuple(parts)))
        | st.builds(t.Without, inner, st.lists(ANY_TEXT, max_size=2).map(tuple))
        | st.builds(t.Sized, inner, st.integers(0, 2), st.none() | st.integers(2, 9))
        | st.builds(t.List, inner, st.integers(0, 3), st.none() | st.integers(3, 5))
        | st.lists(st.builds(t.Field, ANY_TEXT, inner, st.just(t.MISSING) | DATA), max_size=3).map(
            lambda fields: t.Record(tuple(fields))
        )
    ),
    max_leaves=5,
)


def check_round_trip(module: Module) -> None:
    text = print_module(module)
    again = parse_module(text)
    assert print_module(again) == text
    assert equal(again, module)
    data = json.loads(json.dumps(to_data(module)))
    assert equal(from_data(data), module)
    assert from_data(data).digest == module.digest


@settings(max_examples=20, deadline=None)
@given(modules())
def test_random_modules_round_trip(module: Module) -> None:
    check_round_trip(module)


@settings(max_examples=40, deadline=None)
@given(st.lists(LISTS, max_size=4), st.dictionaries(ANY_TEXT, LISTS, max_size=3), TYPES, DATA)
def test_every_constant_round_trips(
    args: list[object], named: dict[str, object], type_: t.Type, default: object
) -> None:
    module = ModuleBuilder("a.sgl", config={"k": 1e-7, "x y": ("@", Symbol("m"), ())})
    module.constraint(type_, "C")
    f = module.function("fn", "f", type_, doc='say "hi"\n')
    f.param("x", type_, default)
    f.emit("list", *args, attrs={"by": -0.0})
    f.emit("record", kwargs=named)
    f.finish()
    check_round_trip(module.finish())


@settings(max_examples=40, deadline=None)
@given(st.dictionaries(ANY_TEXT, LISTS, max_size=3))
def test_hints_round_trip_and_count_for_the_digest(given: dict[str, object]) -> None:
    module = ModuleBuilder("a.sgl").finish()
    hinted = module
    for name, value in given.items():
        hinted = hinted.with_hint(name, _frozen(value))
    check_round_trip(hinted)
    assert parse_module(print_module(hinted)).hints == hinted.hints
    assert (hinted.digest == module.digest) == (not given)


def _frozen(value: object) -> AttrValue:
    return tuple(map(_frozen, value)) if isinstance(value, list) else cast(AttrValue, value)


@settings(max_examples=50, deadline=None)
@given(TYPES)
def test_types_are_read_back_exactly(type_: t.Type) -> None:
    module = ModuleBuilder()
    module.constraint(type_, "C")
    again = parse_module(print_module(module.finish()))
    assert again.constraints["C"] == type_


def test_the_look() -> None:
    module = ModuleBuilder("tip.sgl")
    f = module.function("prompt", "tip", t.Str())
    task = f.param("task", t.Str())
    module.tool(
        ToolDecl(name="wiki", params=(("query", t.Str()),), result=t.Str(), source="m:f",
                 effect="readonly", timeout_s=10)
    )  # fmt: skip
    s = f.one("put", f.one("stream"), task, span=Loc("tip.sgl", 9, 5))
    with f.region("case", "a") as first:
        f.emit("yield", s, None)
    with f.region("else") as other:
        f.emit("yield", f.one("put", s, "é\n\u2028"), "x", span=Loc("b.sgl", 1, 2))
    s, word = f.emit(
        "match", task, regions=[first, other], types=[STREAM, literals_of("x").as_optional()],
        hint=("s", "w"),
    ).results  # fmt: skip
    s, _ = f.emit(
        "gen", s, types=[STREAM, record_of(a=ANY)], hint=("s", "step"), max_tokens=4, rng="1",
        constraint=module.constraint(t.Record((t.Field("a", t.Json()),)), "Step"), stop=["\n"],
    ).results  # fmt: skip
    f.emit("return", s, result=word)
    f.finish()
    assert print_module(module.finish()) == (
        'source "tip.sgl"\n'
        "constraint @Step = {a: json}\n"
        'tool @wiki(%query: str) -> str <from = "m:f", effect = "readonly", timeout_s = 10>\n'
        "prompt @tip(%task: str) -> str {\n"
        "  %s0 = stream\n"
        "  %s1 = put %s0, %task loc(9:5)\n"
        '  %s3: stream, %w: ("x")? = match %task\n'
        '    case "a" {\n'
        "      yield %s1, none\n"
        "    }\n"
        "    else {\n"
        '      %s2 = put %s1, "é\\n\\u2028"\n'
        '      yield %s2, "x" loc("b.sgl":1:2)\n'
        "    }\n"
        "  %s4, %step: {a: any} = gen %s3"
        ' <max_tokens = 4, rng = "1", constraint = @Step, stop = ["\\n"]>\n'
        "  return %s4, result = %w\n"
        "}\n"
    )


def test_comments_and_blank_lines_are_skipped() -> None:
    text = '// a\n\nfn @f() { // b\n\n  return result = "//" // c\n}\n'
    assert print_module(parse_module(text)) == 'fn @f() {\n  return result = "//"\n}\n'


@pytest.mark.parametrize(
    ("text", "place", "reason"),
    [
        ("fn @f() {\n  return result = %x\n}\n", (2, 19), "read before"),
        ("fn @f() {\n  %x: strange = const 1\n}\n", (2, 7), "unknown value type"),
        ("constraint @C = strange\n", (1, 17), "not a type"),
        ("fn @f() {\n  %x = = const 1\n}\n", (2, 8), "unexpected"),
        ("fn @f() {}\n", (1, 10), "unexpected"),
        ("fn @f() {\n}\nfn @f() {\n}\n", (3, 1), "duplicate"),
        ("config <a = %x>\n", (1, 13), "only a constant"),
    ],
)
def test_bad_text_is_an_error_with_a_place(text: str, place: tuple[int, int], reason: str) -> None:
    with pytest.raises(IrSyntaxError, match=reason) as error:
        parse_module(text)
    assert (error.value.line, error.value.column) == place


def test_unknown_versions_are_refused() -> None:
    with pytest.raises(ValueError, match="version"):
        from_data({"version": 2})


@pytest.mark.filterwarnings("ignore")
def test_the_grammar_has_no_conflicts_and_no_collisions() -> None:
    grammar = resources.files("sglc.grammar").joinpath("ir.lark").read_text()
    Lark(grammar, parser="lalr", strict=True)


def test_equal_numbers_of_other_types_are_not_equal_modules() -> None:
    one, true = (f"fn @f() {{\n  return result = {x}\n}}\n" for x in ("1", "true"))
    assert not equal(parse_module(one), parse_module(true))
