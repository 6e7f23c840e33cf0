"""Every text of a type is an object of it, and every object is written as such a text."""

from __future__ import annotations

import dataclasses
import datetime
import json
import random
from pathlib import Path
from typing import Any
from uuid import UUID

import pydantic
from hypothesis import given, note, settings
from hypothesis import strategies as st

from sglc.constraints.language import parse, render
from sglc.constraints.python import as_constraint, as_python, as_value
from sglc.constraints.types import Schema
from sglc.runtime.remote.capabilities import SGLC
from sglc.runtime.remote.fitting import is_json
from sglc.runtime.remote.held import held_to
from tests.constraints.python.strategies import (
    HINTS,
    Color,
    Level,
    Node,
    Pair,
    Tree,
    random_text,
)


@settings(max_examples=150, deadline=None)
@given(HINTS, st.integers(0, 2**30))
def test_texts_are_objects_and_objects_are_texts(hint: Any, seed: int) -> None:
    type_ = as_constraint(hint)
    note(f"{hint!r} {type_!r}")
    text = random_text(type_, random.Random(seed))
    note(text)
    made = as_python(hint, parse(type_, text))
    value = as_value(hint, made)
    written = render(type_, value)
    assert type_.accepts(written)
    assert as_python(hint, parse(type_, written)) == made


@dataclasses.dataclass
class Held:
    """One of everything whose objects hypothesis knows how to make."""

    text: str
    number: float
    count: int
    flag: bool
    maybe: int | str | None
    color: Color
    level: Level
    pair: Pair
    day: datetime.date
    at: datetime.datetime
    time: datetime.time
    ident: UUID
    path: Path
    items: list[tuple[int, str]]
    counts: dict[str, list[float]]
    kinds: set[Color]


class Model(pydantic.BaseModel):
    held: Held
    more: dict[str, Held | None] = {}
    number: float
    at: datetime.datetime | None
    pairs: tuple[Pair, ...]


TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=5)
FLOATS = st.floats(allow_nan=False, allow_infinity=False)
ZONES = st.none() | st.integers(-1439, 1439).map(
    lambda minutes: datetime.timezone(datetime.timedelta(minutes=minutes))
)
PAIRS = st.builds(Pair, st.integers(), TEXT)
HELD = st.builds(
    Held,
    text=TEXT,
    number=FLOATS,
    maybe=st.none() | st.integers() | TEXT.filter(lambda text: not text.lstrip("-").isdigit()),
    pair=PAIRS,
    at=st.datetimes(timezones=ZONES),
    time=st.times(timezones=ZONES),
    path=TEXT.map(Path),
    items=st.lists(st.tuples(st.integers(), TEXT), max_size=2),
    counts=st.dictionaries(TEXT, st.lists(FLOATS, max_size=2), max_size=2),
)
NODES = st.recursive(
    st.builds(Node, st.integers(), st.just([]), st.none()),
    lambda inner: st.builds(Node, st.integers(), st.lists(inner, max_size=2), st.none() | inner),
    max_leaves=4,
)
TREES = st.recursive(
    st.builds(Tree, value=st.integers(), Note=st.none() | TEXT),
    lambda inner: st.builds(Tree, value=st.integers(), children=st.lists(inner, max_size=2)),
    max_leaves=4,
)
MODELS = st.builds(
    Model,
    held=HELD,
    more=st.dictionaries(TEXT, st.none() | HELD, max_size=1),
    number=FLOATS,
    at=st.none() | st.datetimes(timezones=ZONES),
    pairs=st.lists(PAIRS, max_size=2).map(tuple),
)


@settings(max_examples=200, deadline=None)
@given(st.one_of(HELD, NODES, TREES, MODELS))
def test_any_object_is_written_and_read_back(made: Any) -> None:
    type_ = as_constraint(type(made))
    written = render(type_, as_value(type(made), made))
    assert type_.accepts(written)
    assert as_python(type(made), parse(type_, written)) == made


@settings(max_examples=60, deadline=None)
@given(HINTS, st.integers(0, 2**30))
def test_what_servers_are_told_of_a_type_holds_to_it(hint: Any, seed: int) -> None:
    type_ = as_constraint(hint)
    held = held_to(type_, SGLC) if is_json(type_) else None
    if held is not None and held.notation == "json_schema":
        schema, rng = Schema(held.text), random.Random(seed)
        for text in (random_text(type_, rng), random_text(schema, rng)):
            note(text)
            value = json.loads(text)
            assert schema.accepts(render(schema, value))
            assert type_.accepts(render(type_, value))
