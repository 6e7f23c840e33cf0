"""What the rest of sglc asks of a type: its language, when to stop, values and sizes."""

from __future__ import annotations

from sglc.constraints.build import (
    Bounds,
    EndRule,
    NoMemberError,
    bounds,
    end_rule,
    end_rule_of,
    is_unconstrained,
    language,
    max_tokens_of,
    renewed,
    rough_size,
    until,
)
from sglc.constraints.values import asked_of, parse, render

__all__ = [
    "Bounds",
    "EndRule",
    "NoMemberError",
    "asked_of",
    "bounds",
    "end_rule",
    "end_rule_of",
    "is_unconstrained",
    "language",
    "max_tokens_of",
    "parse",
    "render",
    "renewed",
    "rough_size",
    "until",
]
