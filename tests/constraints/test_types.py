"""Types: notation, data, and which of them a model can be asked for."""

from __future__ import annotations

import copy
import json
import pickle
import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sglc.constraints import types as t
from sglc.constraints.type_data import from_data, to_data

NAMES = st.sampled_from(["name", "core", "blood status", "if", "ü", 'a"b'])
SCALARS = st.one_of(
    st.builds(t.Str, st.integers(0, 2), st.none() | st.integers(2, 4), st.none() | st.just("[ab]")),
    st.builds(t.Int, st.none() | st.integers(-3, 3), st.none() | st.integers(3, 9)),
    st.builds(t.Number, st.none() | st.integers(1, 3), st.none() | st.integers(0, 2)),
    st.builds(t.Literal, st.text(max_size=4)),
    st.builds(t.Regex, st.sampled_from(["a/b", "[0-9]+", " x"])),
    st.builds(t.Json, st.integers(0, 4)),
    st.sampled_from([t.Line(), t.Word(), t.Bool(), t.OneOf(), t.Image(), t.Video(), t.NoneType()]),
)
DEFAULTS = st.sampled_from([t.MISSING, None, [1, "x"], {"a": True}])
TYPES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.builds(t.Optional, inner),
        st.builds(t.List, inner, st.integers(0, 1), st.none() | st.integers(1, 3)),
        st.builds(t.Union, st.lists(inner, max_size=3).map(tuple)),
        st.builds(
            t.Record, st.lists(st.builds(t.Field, NAMES, inner, DEFAULTS), max_size=3).map(tuple)
        ),
    ),
    max_leaves=6,
)


@pytest.mark.parametrize(
    ("value", "notation"),
    [
        (t.Str(), "str"),
        (t.Str(1, 16, r"[\w ]"), r"str(min=1, max=16, chars=/[\w ]/)"),
        (t.Int(1, 10), "int(1..10)"),
        (t.Int(lo=3), "int(min=3)"),
        (t.Number(2, 2), "number(digits=2, decimals=2)"),
        (t.Literal('say "{hi}"\n'), r'"say \"\{hi\}\"\n"'),
        (t.Literal("\x01\u2028"), r'"\u0001\u2028"'),
        (t.Regex("a/b\\/c"), r"/a\/b\/c/"),
        (t.Regex(" a\nb"), r"/\ a\nb/"),
        (t.Regex(""), "/(?:)/"),
        (t.List(t.Int(), max=4), "list[int](max=4)"),
        (t.Union((t.Literal("A"), t.Literal("B"))), '"A" | "B"'),
        (t.Optional(t.Union((t.Literal("A"), t.Bool()))), '("A" | bool)?'),
        (t.Json(), "json"),
        (t.Json(2), "json(depth=2)"),
        (
            t.Record((t.Field("name", t.Str(1, 16)), t.Field("core", t.Optional(t.Line())))),
            "{name: str(min=1, max=16), core: line?}",
        ),
        (
            t.Record((t.Field("blood status", t.Int(), [1, None, {"a": True}]),)),
            '{"blood status": int = [1, none, {"a": true}]}',
        ),
    ],
)
def test_notation_is_the_language_s_own(value: t.Type, notation: str) -> None:
    assert str(value) == notation


@settings(max_examples=60, deadline=None, derandomize=True)
@given(TYPES)
def test_data_round_trips_through_json(value: t.Type) -> None:
    assert from_data(json.loads(json.dumps(to_data(value)))) == value
    hash(value)


@pytest.mark.parametrize("data", [{}, {"type": "strange"}, {"type": "int", "low": 1}])
def test_foreign_data_is_refused(data: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="not a type"):
        from_data(data)


def test_types_without_fields_differ() -> None:
    assert len({t.Line(), t.Word(), t.Bool(), t.Line()}) == 3


def test_missing_survives_copies() -> None:
    assert copy.deepcopy(t.MISSING) is pickle.loads(pickle.dumps(t.MISSING)) is t.MISSING


def test_constraints_are_what_a_model_can_write() -> None:
    assert t.is_constraint(t.Record((t.Field("a", t.List(t.Optional(t.Int()))),)))
    for other in (t.OneOf(), t.Image(), t.Video(), t.NoneType(), t.AnyType()):
        assert not t.is_constraint(other)
        assert not t.is_constraint(t.List(other))
        assert not t.is_constraint(t.Record((t.Field("a", t.Union((other,))),)))


def test_importing_types_builds_no_automata() -> None:
    code = "import sys, sglc.constraints.types; print('sglc.constraints.automaton' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
