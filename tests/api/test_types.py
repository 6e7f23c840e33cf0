"""Types of Python where programs use them: ``gen(type=…)``, and regexes of models."""

from __future__ import annotations

import dataclasses
import enum
import json
import random
import re
from typing import Any, Literal

import pydantic
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import sglc
from sglc import constraints
from sglc.constraints.python import ConversionError, as_value
from sglc.constraints.schema_regex import RegexSchemaError
from sglc.types import build_regex_from_object


class House(enum.Enum):
    GRYFFINDOR = "Gryffindor"
    SLYTHERIN = "Slytherin"


class Wand(pydantic.BaseModel):
    wood: str = pydantic.Field(pattern=r"^[\w\s]{1,16}$")
    length: float = pydantic.Field(ge=0, le=20)


class Wizard(pydantic.BaseModel):
    name: str = pydantic.Field(min_length=1, max_length=16)
    house: House
    status: Literal["Alive", "Deceased"] = "Alive"
    wand: Wand | None = None
    friends: list[str] = []
    age: int = pydantic.Field(ge=0, lt=200, alias="Age")


@dataclasses.dataclass
class Verdict:
    grade: Literal["A", "B"]
    points: list[int]


@sglc.function
def judge(s: Any) -> None:
    s += "Judge: " + sglc.gen("verdict", type=Verdict)
    s += " Sure: " + sglc.gen("sure", type=float)


def test_what_the_model_writes_becomes_an_object() -> None:
    text = '{"grade": "B", "points": [3, 4]}'
    with sglc.mock(verdict=text, sure="0.5") as backend:
        state = judge.run(backend=backend)
        assert state["verdict"] == Verdict("B", [3, 4])
        assert state["verdict"] is state["verdict"]
        assert state["sure"] == 0.5
        assert state.text() == f"Judge: {text} Sure: 0.5"


def test_samples_are_objects_too() -> None:
    @sglc.function
    def sampled(s: Any) -> None:
        s += "Sure: " + sglc.gen("sure", type=float, n=2)

    with sglc.mock(sure=["0.5", "2"]) as backend:
        assert sampled.run(backend=backend)["sure"] == [0.5, 2.0]


def test_what_a_class_refuses_is_told_where_it_is_read() -> None:
    class Even(pydantic.BaseModel):
        number: int

        @pydantic.field_validator("number")
        @classmethod
        def _even(cls, number: int) -> int:
            if number % 2:
                raise ValueError("it is odd")
            return number

    @sglc.function
    def counted(s: Any) -> None:
        s += "Even: " + sglc.gen("even", type=Even)

    with sglc.mock(even='{"number": 3}') as backend:
        state = counted.run(backend=backend)
        with pytest.raises(ConversionError, match="`number`: Value error, it is odd"):
            state["even"]


def test_a_type_without_a_constraint_is_refused_at_the_call() -> None:
    with pytest.raises(TypeError, match=r"`dict\[int, str\]`: keys of JSON are texts"):
        sglc.gen("x", type=dict[int, str])


_WIZARDS = st.builds(
    Wizard,
    name=st.text(min_size=1, max_size=16),
    house=st.sampled_from(House),
    status=st.sampled_from(["Alive", "Deceased"]),
    wand=st.none()
    | st.builds(
        Wand, wood=st.from_regex("[a-z ]{1,16}", fullmatch=True), length=st.floats(0.01, 20)
    ),
    friends=st.lists(st.text(max_size=5), max_size=3),
    Age=st.integers(0, 199),
)
_PATTERN = build_regex_from_object(Wizard)
_REGEX = constraints.regex(_PATTERN)


@settings(max_examples=60, deadline=None)
@given(_WIZARDS, st.sampled_from([None, (",", ":")]))
def test_objects_match_the_regex_of_their_model(wizard: Wizard, separators: Any) -> None:
    text = json.dumps(as_value(Wizard, wizard), ensure_ascii=False, separators=separators)
    assert re.fullmatch(_PATTERN, text)
    assert _REGEX.accepts(text)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**30))
def test_texts_of_the_regex_are_objects(seed: int) -> None:
    Wizard.model_validate_json(random_text(_REGEX, random.Random(seed)))


@pytest.mark.parametrize(
    ("schema", "yes", "no"),
    [
        ({"type": "integer", "minimum": -3, "maximum": 120}, ["-3", "0", "120"], ["-4", "121"]),
        ({"type": "integer", "multipleOf": 7, "minimum": 0, "maximum": 99}, ["98"], ["97"]),
        (
            {"type": "object", "properties": {"a": {"const": 1}, "b": {}, "c": {"type": "null"}}},
            ["{}", '{"a": 1}', '{"c":null}', '{"a":1, "b": [{"x": 1e-07}], "c": null}'],
            ['{"b"}', '{,"c": null}', '{"c": null, "a": 1}'],
        ),
        (
            {"type": "array", "items": {"enum": ["x", 2]}, "minItems": 2, "maxItems": 3},
            ['["x", 2]', "[2,2,2]"],
            ["[2]", "[2, 2, 2, 2]", "[2, 2,]"],
        ),
        ({"type": "string", "format": "date"}, ['"2024-02-29"'], ['"2023-02-29"']),
        ({"type": "object", "additionalProperties": {"type": "boolean"}}, ['{"k": true}'], ["[]"]),
        ({"type": "string", "pattern": "^a.c$"}, ['"aüc"'], ['"a"c"', '"aac "']),
    ],
)
def test_schemas_as_regexes(schema: Any, yes: list[str], no: list[str]) -> None:
    for given_as in (schema, json.dumps(schema)):
        pattern = build_regex_from_object(given_as)
        assert [text for text in yes if not re.fullmatch(pattern, text)] == []
        assert [text for text in no if re.fullmatch(pattern, text)] == []
        constraints.regex(pattern)


class Folder(pydantic.BaseModel):
    inside: list[Folder]


@pytest.mark.parametrize(
    ("thing", "message"),
    [
        (Folder, "recurs, and no regex does"),
        ({"type": "array", "items": {"not": {}}}, "#/items: it has no type"),
        ({"type": "string", "uniqueItems": True}, "#/uniqueItems: no regex is made of"),
        ({"allOf": [{"type": "string"}, {"type": "integer"}]}, "#/allOf: no regex says all of"),
    ],
)
def test_what_no_regex_says_is_refused(thing: Any, message: str) -> None:
    with pytest.raises(RegexSchemaError, match=message):
        build_regex_from_object(thing)


def test_a_text_that_is_no_schema_says_so() -> None:
    with pytest.raises(ValueError, match="a text must be a JSON Schema, but 'Wizard' is no JSON"):
        build_regex_from_object("Wizard")


def random_text(type_: Any, rng: random.Random) -> str:
    """A text of a regular language: a random walk that soon heads for the nearest end."""
    machine = type_.machine
    state, out = machine.start, bytearray()
    while len(out) < 120:
        edges = [(byte, machine.step(state, byte)) for byte in range(256)]
        edges = [(byte, target) for byte, target in edges if target]
        if not edges:
            break
        byte, state = rng.choice(edges)
        out.append(byte)
    return (bytes(out) + machine.completion(state)).decode()
