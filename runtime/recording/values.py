"""Values of programs and results of the backend as JSON and back, exactly."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import MISSING, fields
from typing import Any, TypeVar

from sglc.runtime.core.events import DecodeResult, ScoreResult
from sglc.runtime.executor.tap import Answer

_Result = TypeVar("_Result", DecodeResult, ScoreResult)


def is_data(value: object) -> bool:
    """Whether JSON gives a value back as it was."""
    if isinstance(value, Mapping):
        return all(isinstance(k, str) and is_data(v) for k, v in value.items())
    if isinstance(value, list):
        return all(map(is_data, value))
    return value is None or type(value) in (str, int, float, bool)


def to_line(data: Mapping[str, Any]) -> bytes:
    """Return a record as one line, its end included."""
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    return text.encode("utf-8", "surrogatepass") + b"\n"


def answer_data(answer: Answer) -> Any:
    """Return what a call gave as JSON."""
    if isinstance(answer, tuple):
        return {"vector": answer}
    held = {field: getattr(answer, field.name) for field in fields(answer)}
    return {field.name: value for field, value in held.items() if value != field.default}


def answer_from(kind: str, data: Mapping[str, Any]) -> Answer:
    """Return what ``answer_data`` was made of: by the kind of the op.

    Raises:
        ValueError: it is something else.
    """
    if kind == "embed":
        vector: tuple[float, ...] = _tuples(data["vector"])
        return vector
    if kind == "decode":
        return _result(DecodeResult, data)
    return _result(ScoreResult, data)


def num_tokens_of(answer: Answer | None) -> int:
    """Return how many tokens the model has written."""
    if not isinstance(answer, DecodeResult):
        return 0
    return answer.num_written


def _result(class_: type[_Result], data: Mapping[str, Any]) -> _Result:
    known = {field.name for field in fields(class_)}
    needed = {field.name for field in fields(class_) if field.default is MISSING}
    if not needed <= set(data) <= known:
        raise ValueError(f"an answer has the fields {', '.join(sorted(data)) or 'none'}")
    as_it_is = {"meta"}  # in words of a server
    return class_(**{k: v if k in as_it_is else _tuples(v) for k, v in data.items()})


def _tuples(value: Any) -> Any:
    return tuple(map(_tuples, value)) if isinstance(value, list) else value
