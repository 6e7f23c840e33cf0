"""JSON as it comes from outside: read in one way only, and never deeper than the stack."""

from __future__ import annotations

import json
import math
from typing import Any

import jiter

# Numbers beyond the range of floats look so, with 0 for digits; a parser makes them infinity.
_SHAPES = bytes.maketrans(b"E123456789", b"e000000000")
_MAYBE_HUGE = (b"e000", b"e+000", b"0" * 309)

_REASONS = {
    "recursion limit exceeded": "it nests deeper than 200 levels",
    "Detected duplicate key": "an object has the same name twice:",
    "invalid unicode code point": "not UTF-8",
    "unexpected end of hex escape": "half a character, as \\uD800 is without \\uDC00,",
    "lone leading surrogate in hex escape": "half a character, as \\uD800 is without \\uDC00,",
}


def read_json(data: bytes) -> Any:
    """Parse JSON.

    Raises:
        ValueError: it is not UTF-8, not JSON, has a name twice, numbers that are infinite or none,
            half a character, or is nested too deep.
    """
    try:
        value = jiter.from_json(
            data, allow_inf_nan=False, catch_duplicate_keys=True, cache_mode="keys"
        )
    except ValueError as error:
        raise ValueError(_reason(str(error))) from None
    shapes = data.translate(_SHAPES)
    if any(shape in shapes for shape in _MAYBE_HUGE):
        json.loads(data, parse_float=_finite)
    return value


def _finite(text: str) -> float:
    value = float(text)
    if math.isinf(value):
        raise ValueError(f"the number {text[:20]} is beyond what a float holds")
    return value


def _reason(message: str) -> str:
    """Return what a parser says, in words that clients can act on."""
    for said, meant in _REASONS.items():
        message = message.replace(said, meant)
    return message
