"""Constraints as sets of texts: combining them is what sets of texts do."""

from __future__ import annotations

import itertools
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sglc import constraints
from sglc.constraints import types as t
from sglc.constraints.automaton import AutomatonTooLarge
from sglc.constraints.patterns import RegexError

TEXTS = ["".join(x) for n in range(4) for x in itertools.product('ab"', repeat=n)]
ATOMS = st.one_of(
    st.sampled_from(["a*", "[ab]+", 'a|b"', "(ab)*", "", 'a?b?"?', "."]).map(t.Regex),
    st.sampled_from(["a", "ab", '"']).map(t.Literal),
    st.builds(t.Str, st.integers(0, 1), st.integers(1, 3), st.sampled_from([None, '[a"]'])),
)
BAD = st.lists(st.sampled_from(["a", "ab", 'b"', "ba"]), min_size=1, max_size=2, unique=True)
COMBINED = st.recursive(
    ATOMS,
    lambda inner: st.one_of(
        st.tuples(inner, inner).map(lambda p: p[0] + p[1]),
        st.tuples(inner, inner).map(lambda p: p[0] | p[1]),
        st.tuples(inner, inner).map(lambda p: p[0] & p[1]),
        st.tuples(inner, BAD).map(lambda p: p[0].without(*p[1])),
        st.tuples(inner, st.integers(0, 1), st.integers(1, 3)).map(
            lambda p: p[0].sized(min_chars=p[1], max_chars=p[2])
        ),
    ),
    max_leaves=5,
)


def is_in(type_: t.Type, text: str) -> bool:
    """Membership by definition."""
    match type_:
        case t.Concat(parts):
            return any(
                all(is_in(part, piece) for part, piece in zip(parts, pieces, strict=True))
                for pieces in cuts(text, len(parts))
            )
        case t.Union(options):
            return any(is_in(option, text) for option in options)
        case t.Both(parts):
            return all(is_in(part, text) for part in parts)
        case t.Without(inner, texts):
            return is_in(inner, text) and not any(bad in text for bad in texts)
        case t.Sized(inner, least, most):
            return is_in(inner, text) and least <= len(text) <= (
                len(text) if most is None else most
            )
    return type_.accepts(text)


def cuts(text: str, count: int) -> list[list[str]]:
    if count == 1:
        return [[text]]
    return [[text[:n], *rest] for n in range(len(text) + 1) for rest in cuts(text[n:], count - 1)]


@settings(max_examples=150, deadline=None)
@given(COMBINED)
def test_combined_constraints_are_combined_sets(type_: t.Type) -> None:
    inside = [text for text in TEXTS if is_in(type_, text)]
    assert [text for text in TEXTS if type_.accepts(text)] == inside
    in_json = t.List(type_, 1, 1)
    for text in TEXTS:
        assert in_json.accepts(f"[{json.dumps(text)}]") == (text in inside)
    for text in inside:
        assert all(type_.prefix_ok(text[:n]) for n in range(len(text) + 1))
        assert type_.parse(text) == text
    shortest = type_.shortest()
    if inside:
        assert shortest is not None
        assert is_in(type_, shortest.decode())
        assert len(shortest) == len(min(inside, key=len))
        assert shortest.startswith(type_.forced())


def test_entry_points_give_types_of_the_language() -> None:
    assert constraints.regex("a+") == t.Regex("a+")
    assert constraints.choices(["x"]) == t.Literal("x")
    assert constraints.choices(["x", "y"]) == t.Union((t.Literal("x"), t.Literal("y")))
    assert constraints.grammar('start: "a"') == t.Grammar('start: "a"')
    with pytest.raises(ValueError, match="twice"):
        constraints.choices(["x", "x"])
    with pytest.raises(ValueError, match="at least"):
        constraints.choices([])
    with pytest.raises(RegexError) as error:
        constraints.regex(r"(?>b)")
    assert error.value.position == 0


def test_ascii_narrows_the_classes() -> None:
    for pattern in (r"\w\d", r"(?i)\w\d", r"(?a)\w\d"):
        both = constraints.regex(pattern), constraints.regex(pattern, ascii=True)
        assert [c.accepts("a1") for c in both] == [True, True]
        assert both[0].accepts("é٣") == ("a" not in pattern[:4])
        assert not both[1].accepts("é٣")
    with pytest.raises(RegexError):
        constraints.regex(r"(?u)\w", ascii=True)


def test_bytes_and_half_surrogates() -> None:
    word = constraints.regex(r"\w+")
    assert word.accepts("é".encode())
    assert not word.accepts(b"\xc3")
    assert word.prefix_ok(b"\xc3")
    assert not word.prefix_ok(b"\xff")
    assert not word.accepts("\ud800")
    assert not word.prefix_ok("\ud800")
    assert word.forced("\ud800") == b""


def test_forced_shortest_longest_states() -> None:
    card = constraints.regex(r'\{"house": "(?:Gryffindor|Slytherin)", "age": [0-9]{1,2}\}')
    assert card.forced() == b'{"house": "'
    assert card.forced('{"house": "S') == b'lytherin", "age": '
    assert card.forced("nothing of it") == b""
    assert card.shortest() == b'{"house": "Slytherin", "age": 0}'
    assert card.longest() == b'{"house": "Gryffindor", "age": 00}'
    assert constraints.regex("a*").longest() is None
    assert constraints.regex("[^\\x00-\\U0010ffff]").shortest() is None
    assert constraints.regex("a{3}").states == 5


def test_explain_says_what_is_enforced() -> None:
    page = (constraints.choices(["yes", "no"]) + constraints.regex(", .{1,3}")).explain()
    assert "automaton" in page
    assert "shortest   5 bytes: 'no, " in page
    assert "when it is complete and the model writes what cannot follow" in page
    assert "pushdown" in constraints.grammar('start: "(" start ")" | "x"').explain()
    assert "nothing is enforced" in t.Str().explain()
    assert "at most 9: a bound" in t.Line().sized(max_tokens=9).explain()
    assert "no text satisfies it" in (t.Literal("a") & t.Literal("b")).explain()


def test_what_cannot_be_combined_says_so() -> None:
    nested = constraints.grammar('start: "(" start ")" | "x"')
    assert (nested + t.Literal("!")).accepts("((x))!")
    assert (nested | t.Literal("!")).accepts("!")
    for bad in (nested & t.Line(), nested.without("x"), nested.sized(max_chars=3)):
        with pytest.raises(ValueError, match="nests without end"):
            bad.accepts("x")
    with pytest.raises(ValueError, match="inside of a JSON string"):
        t.List(nested).accepts("[]")
    with pytest.raises(ValueError, match="empty"):
        t.Line().without("")
    with pytest.raises(ValueError, match="from 3 to 2 chars"):
        t.Line().sized(min_chars=3, max_chars=2)
    with pytest.raises(AutomatonTooLarge):
        t.Regex("(?:.*a.{20}){2}").sized(max_chars=500).accepts("x")
    with pytest.raises(TypeError):
        t.Line() + "text"  # type: ignore[operator]  # what a caller may do


def test_a_bound_in_tokens_holds_for_the_whole_only() -> None:
    """Of a part it could not be kept, so it is not taken."""
    few = t.Int().sized(max_tokens=3)
    assert few.without("7").accepts("12")
    assert (few & constraints.regex("[0-9]+")).accepts("12")
    for type_ in (few | t.Literal("x"), few + t.Literal("x"), t.List(few), t.Optional(few)):
        with pytest.raises(ValueError, match="max_tokens bounds all that a model writes"):
            type_.accepts("12")
    with pytest.raises(ValueError, match="outermost"):
        t.Record((t.Field("x", t.List(few)),)).explain()


def test_what_is_no_text_is_refused_by_name() -> None:
    for call in (
        lambda: constraints.regex(b"a"),  # type: ignore[arg-type]  # what a caller may get wrong
        lambda: constraints.choices(["a", 1]),  # type: ignore[list-item]  # as above
        lambda: constraints.grammar(None),  # type: ignore[arg-type]  # as above
        lambda: t.Int().without(1),  # type: ignore[arg-type]  # as above
    ):
        with pytest.raises(TypeError, match=r"text|str"):
            call()
    with pytest.raises(ValueError, match="#: this is not JSON: there is no NaN"):
        constraints.json_schema({"const": float("nan")})


def test_rules_whose_texts_no_model_could_write_are_refused() -> None:
    rules = "start: x ~ 1000 | /q/ start /r/\nx: y ~ 1000\ny: /a/ ~ 300"
    with pytest.raises(ValueError, match="no text of less than 300000002 bytes"):
        assert constraints.grammar(rules).shortest()
