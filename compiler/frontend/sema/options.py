"""The options of model calls: their names, their types and their ranges."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sglc.compiler.frontend.sema.types import BOOL, INT, NUMBER, STR
from sglc.constraints import types as t

METHODS = ("token_avg", "greedy", "unconditional")
TOKENIZATIONS = ("canonical", "all")


@dataclass(frozen=True, slots=True)
class Option:
    """``wanted`` describes the range in words that follow the name; ``constant`` ones may not
    depend on what the program computes."""

    type: t.Type
    wanted: str
    fits: Callable[[Any], bool]
    constant: bool = False


def _within(low: float, high: float) -> Callable[[Any], bool]:
    return lambda value: low <= value <= high


def _stops(value: Any) -> bool:
    return all(
        isinstance(stop, str) and stop for stop in ([value] if isinstance(value, str) else value)
    )


_STOP = t.Union((STR, t.List(STR)))
_METHOD = t.Union(tuple(map(t.Literal, METHODS)))
_TOKENIZATIONS = t.Union(tuple(map(t.Literal, TOKENIZATIONS)))
_INF = float("inf")

SAMPLING: Mapping[str, Option] = {
    "temperature": Option(NUMBER, "must be at least 0", _within(0, 1e9)),
    "top_p": Option(NUMBER, "must be above 0 and at most 1", lambda p: 0 < p <= 1),
    "top_k": Option(INT, "must be -1 or at least 1", lambda k: k == -1 or k >= 1),
    "min_p": Option(NUMBER, "must be from 0 to 1", _within(0, 1)),
    "frequency_penalty": Option(NUMBER, "must be from -2 to 2", _within(-2, 2)),
    "presence_penalty": Option(NUMBER, "must be from -2 to 2", _within(-2, 2)),
    "repetition_penalty": Option(NUMBER, "must be above 0 and at most 2", lambda r: 0 < r <= 2),
    "max_tokens": Option(INT, "must be at least 1", _within(1, _INF)),
    "min_tokens": Option(INT, "must be at least 0", _within(0, _INF)),
    "stop": Option(_STOP, "must be one or several texts that are not empty", _stops),
    "healing": Option(BOOL, "must be true or false", lambda _: True),
}
SHOWN: Mapping[str, Option] = {
    "show": Option(BOOL, "must be true or false", lambda _: True, constant=True),
}
GEN: Mapping[str, Option] = {
    **SAMPLING,
    **SHOWN,
    "logprob": Option(BOOL, "must be true or false", lambda _: True, constant=True),
}
CHOICE: Mapping[str, Option] = {
    "by": Option(_METHOD, "must be one of " + ", ".join(METHODS), lambda _: True, constant=True),
    "tokenizations": Option(
        _TOKENIZATIONS, "must be canonical or all", lambda _: True, constant=True
    ),
}
SELECT: Mapping[str, Option] = {**CHOICE, **SHOWN}
WITH: Mapping[str, Option] = {**GEN, **CHOICE}
CONFIG: Mapping[str, Option] = {
    **SAMPLING,
    **CHOICE,
    "model": Option(STR, "must name a model", bool),
    "seed": Option(INT, "must be at least 0", _within(0, _INF)),
    "max_branches": Option(INT, "must be at least 1", _within(1, _INF)),
}
