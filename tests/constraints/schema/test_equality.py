"""Random schemas: texts and verdicts agree with the library ``jsonschema``."""

from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sglc.constraints.schema import CompiledSchema, SchemaError, SchemaOptions, compile_schema
from tests.constraints.schema.strategies import SCHEMAS_7, SCHEMAS_2020, values_near
from tests.constraints.schema.verdicts import is_valid, passes, random_text, read

SCHEMAS = {"2020-12": SCHEMAS_2020, "7": SCHEMAS_7}
LAYOUTS = st.sampled_from(["spaced", "spaced", "compact"])
ORDERS = st.sampled_from(["schema", "schema", "any"])
FEW = settings(
    max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def compiled_or_none(schema: Any, options: SchemaOptions) -> CompiledSchema | None:
    """What is compiled; the only schemas here that are refused refer to themselves."""
    try:
        return compile_schema(schema, options=options)
    except SchemaError as error:
        if "leads back to itself" not in error.message:
            raise
        return None


@pytest.mark.parametrize("draft", ["2020-12", "7"])
@FEW
@given(data=st.data())
def test_values_are_valid_if_their_texts_are_members(
    draft: str, data: st.DataObject, validators: dict[str, Any]
) -> None:
    schema = data.draw(SCHEMAS[draft])
    options = SchemaOptions(layout=data.draw(LAYOUTS), order=data.draw(ORDERS))
    compiled = compiled_or_none(schema, options)
    if compiled is None:
        return
    validator = validators[draft](schema)
    for value in data.draw(st.lists(values_near(schema), min_size=3, max_size=6)):
        expected = validator.is_valid(value)
        assert is_valid(compiled, value) == expected, compiled.canonical_text(value)
        assert passes(compiled, value) == expected


@pytest.mark.parametrize("draft", ["2020-12", "7"])
@FEW
@given(data=st.data())
def test_members_are_texts_of_valid_values(
    draft: str, data: st.DataObject, validators: dict[str, Any]
) -> None:
    schema = data.draw(SCHEMAS[draft])
    options = SchemaOptions(layout=data.draw(LAYOUTS), order=data.draw(ORDERS))
    compiled = compiled_or_none(schema, options)
    if compiled is None or not compiled.machine.start:
        return
    validator = validators[draft](schema)
    rng = random.Random(data.draw(st.integers(0, 1000)))
    for _ in range(5):
        text = random_text(compiled.machine, rng)
        assert compiled.machine.accepts(text)
        value, is_exact = read(text)
        if not is_exact:
            continue  # a decimal may be no integer, and its nearest double one
        if compiled.needs_check and not passes(compiled, value):
            assert not validator.is_valid(value)
        else:
            assert validator.is_valid(value), text
