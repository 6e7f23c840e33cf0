"""Every text of a type is an object of it, and every object is written as such a text."""

from __future__ import annotations

import random
from typing import Any

from hypothesis import given, note, settings
from hypothesis import strategies as st

from sglc.constraints.language import parse, render
from sglc.constraints.python import as_constraint, as_python, as_value
from tests.constraints.python.strategies import HINTS, random_text


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
