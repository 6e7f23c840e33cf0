"""Schemas that ship in installed packages: every text that is written is valid."""

from __future__ import annotations

import json
import random
import re
from functools import lru_cache
from importlib import metadata
from typing import Any

import pytest

from sglc.constraints.schema import SchemaError, SchemaOptions, compile_schema
from tests.constraints.schema.verdicts import passes, random_text, read

DRAFTS = {
    "https://json-schema.org/draft/2020-12/schema": "2020-12",
    "http://json-schema.org/draft-07/schema": "7",
    "https://json-schema.org/draft-07/schema": "7",
}
MAX_BYTES = 400_000


@lru_cache(maxsize=1)
def shipped() -> dict[str, Any]:
    """The schemas of both drafts in all installed packages, by the name of their file."""
    found: dict[str, Any] = {}
    for distribution in metadata.distributions():
        for file in distribution.files or ():
            if file.suffix != ".json" or not {"schema", "schemas", "builtin_schemas"}.intersection(
                part.split(".")[0] for part in (*file.parts, *file.name.split(".")[1:])
            ):
                continue
            path = distribution.locate_file(file)
            try:
                text = str(path.read_text(encoding="utf-8"))  # type: ignore[attr-defined]  # a Path
                schema = json.loads(text)
            except (OSError, ValueError):
                continue
            named = schema.get("$schema") if isinstance(schema, dict) else None
            if isinstance(named, str) and named.rstrip("#") in DRAFTS and len(text) <= MAX_BYTES:
                found[str(file)] = schema
    return found


def walk(num_walks: int, metaschemas: dict[str, Any], validators: dict[str, Any]) -> int:
    """Walk through all schemas in turn; the number of texts that were judged."""
    options = SchemaOptions(formats="known")
    machines = []
    for name, schema in shipped().items():
        try:
            compiled = compile_schema(schema, options=options, resources=metaschemas)
        except SchemaError:
            continue  # refers to what is not at hand, or is refused for its size
        validator = validators[DRAFTS[schema["$schema"].rstrip("#")]](schema)
        machines.append((name, compiled, validator))
    assert len(machines) >= 4
    rng = random.Random(7)
    judged = 0
    for i in range(num_walks):
        name, compiled, validator = machines[i % len(machines)]
        text = random_text(compiled.machine, rng, rng.choice([20, 100, 300]))
        value, is_exact = read(text)
        if not is_exact:
            continue  # a decimal may be in a range, and its nearest double not
        if compiled.needs_check and not passes(compiled, value):
            assert not validator.is_valid(value), (name, text)
            continue
        try:
            assert validator.is_valid(value), (name, text)
        except re.error:  # a pattern that is not Python's, such as \p{L}
            continue
        judged += 1
    return judged


def test_some_walks(metaschemas: dict[str, Any], validators: dict[str, Any]) -> None:
    assert walk(200, metaschemas, validators) >= 180


@pytest.mark.slow
@pytest.mark.timeout(3_000)
def test_ten_thousand_walks(metaschemas: dict[str, Any], validators: dict[str, Any]) -> None:
    assert walk(11_000, metaschemas, validators) >= 10_000
