"""What a body may not be, before any endpoint looks at it: told by its first mistake."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from sglc.server.errors import ApiError
from sglc.server.http.body import Body, OnlyFalse, check, parse_json
from sglc.server.native.body import GenerateBody
from sglc.server.openai.completion_body import CompletionBody
from sglc.server.programs.bodies import ProgramBody

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)  # fmt: skip


@given(VALUES)
def test_json_is_read_as_it_was_meant(value: Any) -> None:
    assert parse_json(json.dumps(value).encode()) == value
    assert parse_json(json.dumps(value, ensure_ascii=False).encode()) == value


@given(st.floats(min_value=1, max_value=9.99), st.integers(-2000, 2000), st.sampled_from("eE"))
def test_a_number_is_finite_or_refused(factor: float, exponent: int, e: str) -> None:
    text = f"{factor}{e}{exponent}"
    if math.isinf(float(text)):
        with pytest.raises(ApiError, match="beyond what a float holds"):
            parse_json(f'{{"a": [-{text}]}}'.encode())
    else:
        assert parse_json(text.encode()) == float(text)


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "EOF"),
        (b"{'a': 1}", "key must be a string"),
        (b'{"a": 1} x', "trailing characters"),
        (b'{"a": NaN}', "expected value"),
        (b'{"a": -Infinity}', "invalid number"),
        (b"[1" + b"0" * 400 + b".0]", "beyond what a float holds"),
        (b"[" + b"1" * 5000 + b"]", "number out of range"),
        (b'{"a": "\xff"}', "not UTF-8"),
        (b'{"a": "\xed\xa0\x80"}', "not UTF-8"),
        (b'{"a": "\\ud800"}', "half a character"),
        (b'{"a": "\0"}', "control character"),
        (b'{"a": {"b": 1, "b": 1}}', 'the same name twice: "b"'),
        (b"[" * 300 + b"]" * 300, "nests deeper than 200 levels"),
        (b"[" * 1_000_000, "nests deeper than 200 levels"),
        (b'{"a":' * 300 + b"1" + b"}" * 300, "nests deeper than 200 levels"),
    ],
)
def test_what_is_no_json_is_told_why(data: bytes, says: str) -> None:
    with pytest.raises(ApiError, match=says) as found:
        parse_json(data)
    assert found.value.status == 400


@pytest.mark.parametrize(
    ("model", "value", "param"),
    [
        (GenerateBody, {"input_ids": ["a"] * 100_000}, "input_ids[0]"),
        (GenerateBody, {"text": [1] * 100_000}, "text"),
        (CompletionBody, {"prompt": "a", "stop": [1] * 100_000}, "stop"),
        (CompletionBody, {"prompt": "a", "logit_bias": dict.fromkeys(map(str, range(999)), "a")},
         "logit_bias"),
        (CompletionBody, {"prompt": "a", **dict.fromkeys(map(str, range(100_000)))}, None),
    ],
)  # fmt: skip
def test_a_mistake_is_told_once_however_often_it_is_made(
    model: type[Body], value: Any, param: str | None
) -> None:
    """All of them would take minutes and gigabytes; the count is what they would take."""
    with pytest.raises(ValidationError) as found:
        model.model_validate(value)
    assert found.value.error_count() < 5
    with pytest.raises(ApiError) as told:
        check(value, model)
    assert (told.value.param or "").startswith(param or "")


def test_an_unknown_field_is_named_among_many() -> None:
    with pytest.raises(ApiError, match="unknown field `nix0`"):
        check({**{f"nix{i}": i for i in range(1000)}, "text": "a"}, GenerateBody)


@pytest.mark.parametrize("number", [0, 0.0])
def test_a_number_is_not_false(number: float) -> None:
    class Some(Body):
        off: OnlyFalse = False

    assert check({"off": False}, Some).off is False
    with pytest.raises(ApiError, match="true or false"):
        check({"off": number}, Some)


def test_true_is_no_level() -> None:
    with pytest.raises(ApiError) as found:
        check({"source": "", "level": True}, ProgramBody)
    assert found.value.param == "level"
