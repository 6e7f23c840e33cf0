"""The operations on data: results, and the words of their failures."""

from __future__ import annotations

import contextlib
import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sglc.compiler.plan.data import (
    BUILTINS,
    Branch,
    DataError,
    apply_builtin,
    equal,
    evaluate,
    format_value,
    get_field,
)

BRANCH = Branch({"k": 1, "judge": Branch({"score": 7})}, "one", logprob=-0.5)
GROUP = (BRANCH, Branch({"k": 2, "judge": Branch({"score": 9})}, "two"))
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


def run(op: str, *args: Any, attrs: dict[str, Any] | None = None, **kwargs: Any) -> Any:
    return evaluate(op, args, kwargs, attrs or {})


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("a\nb", "a\nb"),
        (None, "none"),
        (True, "true"),
        (3, "3"),
        (0.1, "0.1"),
        (1.0, "1.0"),
        ([1, "a", None, True], '[1, "a", null, true]'),
        ({"a": [1.5], "ü": BRANCH}, '{"a": [1.5], "ü": "one"}'),
        (BRANCH, "one"),
        (GROUP, '["one", "two"]'),
    ],
)
def test_format(value: object, text: str) -> None:
    assert format_value(value) == text


@given(st.lists(JSON, max_size=3) | st.dictionaries(st.text(), JSON, max_size=3))
def test_lists_and_records_are_json(value: Any) -> None:
    assert format_value(value) == json.dumps(value, ensure_ascii=False)


@pytest.mark.parametrize(
    ("op", "a", "b", "result"),
    [
        ("+", 1, 2, 3),
        ("+", "a", "b", "ab"),
        ("+", [1], [2], [1, 2]),
        ("/", 3, 2, 1.5),
        ("/", 4, 2, 2.0),
        ("%", -1, 3, 2),
        ("*", 2, 1.5, 3.0),
        ("-", 1, 2, -1),
    ],
)
def test_arithmetic(op: str, a: Any, b: Any, result: Any) -> None:
    value = run("arith", a, b, attrs={"op": op})
    assert (value, type(value)) == (result, type(result))


@pytest.mark.parametrize(
    ("op", "a", "b", "message"),
    [
        ("/", 1, 0, "division by zero"),
        ("%", 1, 0, "division by zero"),
        ("+", 1, "a", "does not work on the number 1 and the text 'a'"),
        ("+", True, 1, "does not work on true"),
        ("*", "a", 3, "does not work on"),
        pytest.param("*", 2**40_000, 2**40_000, "too large", id="bits"),
        pytest.param("/", 10**400, 1, "too large", id="float"),
    ],
)
def test_arithmetic_without_a_result(op: str, a: Any, b: Any, message: str) -> None:
    with pytest.raises(DataError, match=message):
        run("arith", a, b, attrs={"op": op})


@pytest.mark.parametrize(
    ("op", "a", "b", "result"),
    [
        ("==", 1, 1.0, True),
        ("==", 1, True, False),
        ("!=", "a", None, True),
        ("<", 1, 1.5, True),
        (">=", "b", "a", True),
        ("<", [1, 2], [1, 3], True),
        ("==", BRANCH, Branch({"k": 1, "judge": Branch({"score": 7})}, "one"), True),
    ],
)
def test_compare(op: str, a: Any, b: Any, result: bool) -> None:
    assert run("cmp", a, b, attrs={"op": op}) is result


@pytest.mark.parametrize(("a", "b"), [(1, "a"), (None, 1), (True, 2), ([1], ["a"]), ({}, {})])
def test_values_without_order_do_not_compare(a: Any, b: Any) -> None:
    with pytest.raises(DataError, match="cannot compare"):
        run("cmp", a, b, attrs={"op": "<"})


def test_in() -> None:
    assert run("in", "b", "abc")
    assert run("in", 1, [1, 2])
    assert not run("in", True, [1, 2])
    assert run("in", "a", {"a": 1})
    with pytest.raises(DataError, match="cannot contain"):
        run("in", 1, "abc")
    with pytest.raises(DataError, match="contains nothing"):
        run("in", 1, 2)


def test_and_or_give_an_operand_like_python() -> None:
    assert run("and", True, False) is False
    assert run("or", None, "x") == "x"
    assert run("and", BRANCH, True) is True
    assert run("negate", "") is True


def test_making_values() -> None:
    assert run("const", 3) == 3
    assert run("concat", "a", 1, None) == "a1none"
    assert run("format", 2.5) == "2.5"
    assert run("list", 1, "b") == [1, "b"]
    assert run("record", a=1, b=[2]) == {"a": 1, "b": [2]}
    assert run("neg", 3) == -3
    assert run("range", 1, 3) == [1, 2, 3]
    assert run("range", 2, 1) == []


def test_a_text_has_a_largest_length() -> None:
    half = "a" * 2**25
    with pytest.raises(DataError, match="too long"):
        run("concat", half, half, "b")
    with pytest.raises(DataError, match="too long"):
        run("arith", half + half, "b", attrs={"op": "+"})


def test_ranges_are_of_integers_and_not_endless() -> None:
    with pytest.raises(DataError, match="from integer to integer"):
        run("range", 1, 2.5)
    with pytest.raises(DataError, match="too long"):
        run("range", 0, 10**12)


def test_fields() -> None:
    assert get_field({"a": 1}, "a") == 1
    assert get_field(BRANCH, "k") == 1
    assert get_field(BRANCH, "text") == "one"
    assert get_field(BRANCH, "logprob") == -0.5
    assert get_field(Branch({"text": "mine"}, "all"), "text") == "mine"
    assert get_field(GROUP, "k") == [1, 2]
    assert get_field(get_field(GROUP, "judge"), "score") == [7, 9]


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"a": 1}, r"no field `x` \(there is `a`\)"),
        ({}, "no field `x`$"),
        (None, "none has no field `x`"),
        ("abc", "the text 'abc' has no field `x`"),
    ],
)
def test_missing_fields(value: object, message: str) -> None:
    with pytest.raises(DataError, match=message):
        get_field(value, "x")


def test_items() -> None:
    assert run("index", [1, 2], -1) == 2
    assert run("index", "abc", 1) == "b"
    assert run("index", {"a": 1}, "a") == 1
    assert run("pick", GROUP, 1) is GROUP[1]
    assert run("slice.list", [1, 2, 3], 1, None) == [2, 3]
    assert run("slice.list", "abc", None, 2) == "ab"
    assert run("slice.list", GROUP, 0, 1) == GROUP[:1]


@pytest.mark.parametrize(
    ("op", "args", "message"),
    [
        ("index", ([1], 1), "index 1 is out of range: there are 1 items"),
        ("index", ([1], True), "an index is an integer, not true"),
        ("index", (3, 0), "the number 3 has no items"),
        ("index", ({}, 0), "indexed by name"),
        ("pick", ([1], 0), "expected a branch"),
        ("slice.list", (3, 0, 1), "has no items"),
        ("slice.list", ("abc", "a", 1), "a slice goes from integer to integer"),
    ],
)
def test_items_that_are_not_there(op: str, args: tuple[Any, ...], message: str) -> None:
    with pytest.raises(DataError, match=message):
        evaluate(op, args, {}, {})


@pytest.mark.parametrize(
    ("fn", "args", "result"),
    [
        ("len", ("abc",), 3),
        ("len", ({"a": 1},), 1),
        ("majority", ([None, "a", "b", "b", "a"],), "a"),
        ("majority", ([1, True, True],), True),
        ("majority", ([[1], [2], [2]],), [2]),
        ("majority", ([None],), None),
        ("all", ([True, False],), False),
        ("any", ([False, True],), True),
        ("sum", ([1, 2.5],), 3.5),
        ("min", ([3, 1],), 1),
        ("max", (1, 5, 2), 5),
        ("join", ([1, "a", None],), "1, a, none"),
        ("join", (["a", "b"], "-"), "a-b"),
        ("str", (True,), "true"),
        ("int", (" 12 ",), 12),
        ("int", (-2.7,), -2),
        ("float", ("1e3",), 1000.0),
        ("round", (2.5,), 2),
        ("round", (2.346, 2), 2.35),
        ("sorted", ([3, 1, 2],), [1, 2, 3]),
        ("reversed", ([1, 2],), [2, 1]),
        ("reversed", ("ab",), "ba"),
        ("range", (1, 2), [1, 2]),
        ("strip", (" a ",), "a"),
        ("strip", ("--a-", "-"), "a"),
        ("lower", ("Ab",), "ab"),
        ("upper", ("Ab",), "AB"),
        ("split", ("a  b",), ["a", "b"]),
        ("split", ("a,b,", ","), ["a", "b", ""]),
        ("replace", ("aXbX", "X", "-"), "a-b-"),
        ("contains", ("abc", "b"), True),
        ("contains", ([1, 2], 3), False),
        ("starts_with", ("abc", "ab"), True),
        ("ends_with", ("abc", "ab"), False),
        ("abs", (-2,), 2),
        ("probs", ({"a": 0.5},), {"a": 0.5}),
    ],
)
def test_builtins(fn: str, args: tuple[Any, ...], result: Any) -> None:
    value = apply_builtin(fn, args)
    assert (value, type(value)) == (result, type(result))


def test_best_takes_the_first_of_equals() -> None:
    assert apply_builtin("best", [GROUP], by="judge.score") is GROUP[1]
    assert apply_builtin("best", [GROUP], by=("judge", "score")) is GROUP[1]
    same = (Branch({"s": 1}, "a"), Branch({"s": 1}, "b"))
    assert evaluate("apply", [same], {}, {"fn": "best", "by": ".s"}) is same[0]


def test_sorted_by_is_stable() -> None:
    rows = [{"k": 2, "n": 0}, {"k": 1, "n": 1}, {"k": 2, "n": 2}]
    assert [row["n"] for row in apply_builtin("sorted", [rows], by="k")] == [1, 0, 2]


@pytest.mark.parametrize(
    ("fn", "args", "message"),
    [
        ("nope", (), "no built-in `nope`"),
        ("len", (), "`len`: missing a required argument"),
        ("len", (3,), "the number 3 has no length"),
        ("best", ([],), "`best` of nothing"),
        ("max", ([1, None],), "cannot compare none with the number 1"),
        ("sorted", ([1, "a"],), "cannot compare"),
        ("sum", (["a"],), "`sum` adds numbers"),
        ("int", ("4.5",), "'4.5' is not an integer"),
        ("int", (True,), "true is not an integer"),
        ("int", (math.inf,), "is not an integer"),
        ("float", ("x",), "is not a number"),
        ("round", (math.nan,), "cannot be rounded"),
        ("split", ("a", ""), "separator"),
        ("lower", (1,), "`lower` takes text, not the number 1"),
        ("join", ("abc",), "`join` takes a list"),
        ("probs", ("a",), "`probs` takes what a select chose"),
        ("str", (object(),), "a host value of type object has no text"),
    ],
)
def test_builtins_without_a_result(fn: str, args: tuple[Any, ...], message: str) -> None:
    with pytest.raises(DataError, match=message):
        apply_builtin(fn, args)


@given(st.sampled_from(sorted(BUILTINS)), st.lists(JSON, max_size=3))
def test_builtins_fail_with_data_errors_only(fn: str, args: list[Any]) -> None:
    if fn == "range":
        args = [arg % 100 if isinstance(arg, int) else arg for arg in args]
    with contextlib.suppress(DataError):
        apply_builtin(fn, args)


@pytest.mark.parametrize("by", [False, 3, [[]], {"a": 1}])
def test_a_path_is_made_of_names(by: Any) -> None:
    with pytest.raises(DataError, match="`by` is a path of fields"):
        apply_builtin("best", [[{"a": 1}], by])


def test_narrow_passes_a_value_on_and_refuses_none() -> None:
    assert evaluate("narrow", ["x"], {}, {}) == "x"
    with pytest.raises(DataError, match="none"):
        evaluate("narrow", [None], {}, {})


@given(st.lists(st.none() | st.booleans() | st.integers(-2, 2) | st.sampled_from([0.0, 1.0, "1"])))
def test_majority_is_the_first_of_the_most_common(items: list[Any]) -> None:
    given_items = [item for item in items if item is not None]
    counts = [sum(equal(item, other) for other in given_items) for item in given_items]
    expected = given_items[counts.index(max(counts))] if given_items else None
    found = apply_builtin("majority", [items])
    assert (found, type(found)) == (expected, type(expected))


def test_majority_of_many_is_found_in_time() -> None:
    assert apply_builtin("majority", [[*range(200_000), 7]]) == 7
    with pytest.raises(DataError, match="too many different lists"):
        apply_builtin("majority", [[[n] for n in range(6_000)]])


def test_texts_too_long_are_refused_before_they_are_made() -> None:
    long = "a" * 10_000
    for fn, args in (("join", [[long] * 10_000, long]), ("replace", [long, "a", long])):
        with pytest.raises(DataError, match="the text is too long"):
            apply_builtin(fn, args)
    assert apply_builtin("replace", ["aba", "", "-"]) == "-a-b-a-"


def test_what_is_written_out_many_times_is_no_text() -> None:
    nested: list[Any] = [1]
    for _ in range(60):
        nested = [nested, nested]
    with pytest.raises(DataError, match="too many for a text"):
        format_value(nested)
    for _ in range(200):
        nested = [nested]
    with pytest.raises(DataError, match="nest deeper than"):
        format_value(nested)
