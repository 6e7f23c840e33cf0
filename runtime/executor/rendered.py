"""What runs come to, as JSON: values, errors, events, results."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from sglc.compiler.plan.data import Branch, Spoken
from sglc.runtime.executor.errors import RunError
from sglc.runtime.executor.events import RunEvent
from sglc.runtime.executor.run import Result


def json_value(value: Any) -> Any:
    """A value of a program as JSON: a branch is a record of its captures and its text.

    Numbers that JSON does not have are texts: ``inf``, ``-inf``, ``nan``.
    """
    if isinstance(value, Branch):
        return {"text": value.text, **json_value(value.fields)}
    if isinstance(value, Spoken):
        return value.text
    if isinstance(value, Mapping):
        return {str(key): json_value(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [json_value(item) for item in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    return value if isinstance(value, str | int | None) else repr(value)


def result_data(result: Result) -> dict[str, Any]:
    """Everything about a run as JSON; ``stats`` per place in the source."""
    stats = {str(place): asdict(cost) for place, cost in result.stats.items()}
    data = {
        "value": json_value(result.value),
        "captures": json_value(result.captures),
        "text": result.text,
        "messages": json_value(result.messages),
        "stats": stats,
        "speculated": result.speculated,
        "committed": result.committed,
    }
    return data if result.error is None else {**data, "error": error_data(result.error)}


def error_data(error: RunError) -> dict[str, Any]:
    """An error as JSON."""
    place = None if error.loc is None else str(error.loc)
    return {"code": error.code, "message": error.message, "loc": place, "cause": error.cause}


def event_data(event: RunEvent) -> dict[str, Any]:
    """An event as JSON, in the form of ``RunEvent.to_data``."""
    value = error_data(event.value) if event.t == "error" else json_value(event.value)
    return RunEvent(event.t, event.name, event.path, value, event.show).to_data()
