"""The official test suite: what is not refused is decided rightly, through texts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from sglc.constraints.schema import SchemaError, SchemaOptions, compile_schema
from sglc.constraints.schema.formats import FORMATS
from tests.constraints.schema.verdicts import groups, is_valid, passes

# Groups that are refused: remainders too many to count, metaschemas of one's own.
REFUSED = {
    "2020-12": {
        "float division = inf",
        "ignore unrecognized optional vocabulary",
        "schema that uses custom metaschema with with no validation vocabulary",
    },
    "7": {"float division = inf"},
}
NUM_GROUPS = {"2020-12": 364, "7": 252}
FOLDERS = {"2020-12": "draft2020-12", "7": "draft7"}
# The language of these formats is smaller than that of the standard: see formats.NOTES.
NARROWER = {
    "valid leap second, positive time-offset",
    "valid leap second, large positive time-offset",
    "valid leap second, negative time-offset",
    "valid leap second, large negative time-offset",
    "a valid date-time with a leap second, with minus offset",
}


@pytest.mark.parametrize("draft", ["2020-12", "7"])
def test_required_groups(
    draft: Any, suite: Path, documents: dict[str, Any], metaschemas: dict[str, Any]
) -> None:
    options = SchemaOptions(formats="annotate", draft=draft)
    refused, wrong, total = set(), [], 0
    for name, group in groups(suite / "tests" / FOLDERS[draft]):
        total += 1
        try:
            compiled = compile_schema(
                group["schema"], options=options, resources={**documents, **metaschemas}
            )
        except SchemaError:
            refused.add(group["description"])
            continue
        for test in group["tests"]:
            verdicts = is_valid(compiled, test["data"]), passes(compiled, test["data"])
            if verdicts != (test["valid"], test["valid"]):
                wrong.append((name, group["description"], test["description"], verdicts))
    assert not wrong
    assert refused == REFUSED[draft]
    assert total == NUM_GROUPS[draft]


@pytest.mark.parametrize("name", sorted(FORMATS))
@pytest.mark.parametrize("draft", ["2020-12", "7"])
def test_formats(draft: Any, name: str, suite: Path) -> None:
    path = suite / "tests" / FOLDERS[draft] / "optional" / "format"
    found = [group for stem, group in groups(path) if stem == name]
    wrong = []
    for group in found:
        compiled = compile_schema(group["schema"], options=SchemaOptions(draft=draft))
        wrong += [
            test["description"]
            for test in group["tests"]
            if is_valid(compiled, test["data"]) != test["valid"]
        ]
    assert set(wrong) <= NARROWER
    assert found or draft == "7"  # draft 7 has no durations and no UUIDs
