"""Whether a text that a server wrote is of the type that was asked for, and how much of it is."""

from __future__ import annotations

import json

from sglc.constraints.types import (
    Both,
    Json,
    List,
    Number,
    Record,
    Schema,
    Sized,
    Stopped,
    Type,
    Union,
    only_part,
)
from sglc.constraints.values import render
from sglc.runtime.core.script import Constraint


def fitted(constraint: Constraint, text: str) -> str | None:
    """Return the member that a text is, was meant to be, or begins with; None if it is none.

    In this order: the text itself; the same JSON as this type writes it; the longest beginning that
    is a member, as a decode ends that leaves its constraint. White space before it is left out.
    """
    for candidate in dict.fromkeys((text, text.strip())):
        if constraint.machine.accepts(candidate.encode("utf-8", "replace")):
            return _all_that_is_wanted(constraint, candidate)
    rewritten = _rewritten(constraint.wanted, text)
    if rewritten is not None and constraint.machine.accepts(rewritten.encode()):
        return _all_that_is_wanted(constraint, rewritten)
    for candidate in dict.fromkeys((text, text.lstrip())):
        beginning = _longest_beginning(constraint, candidate)
        if beginning:
            return beginning
    return None


def _longest_beginning(constraint: Constraint, text: str) -> str | None:
    machine, data = constraint.machine, text.encode("utf-8", "replace")
    state, best = machine.start, None
    for at, byte in enumerate(data, 1):
        state = machine.step(state, byte)
        if not state:
            break
        if machine.is_accepting(state) or state in constraint.done:
            best = at
        if state in constraint.done or machine.is_complete(state):
            break
    return None if best is None else data[:best].decode(errors="ignore")


def _all_that_is_wanted(constraint: Constraint, text: str) -> str:
    """Cut a member where all is there that the decode was to write of it."""
    if not constraint.done:
        return text
    machine, data = constraint.machine, text.encode("utf-8", "replace")
    state = machine.start
    for at, byte in enumerate(data, 1):
        state = machine.step(state, byte)
        if state in constraint.done:
            return data[:at].decode(errors="ignore")
    return text


def _rewritten(t: Type | None, text: str) -> str | None:
    """Return JSON as its type writes it: servers have a layout of their own."""
    while isinstance(t, Stopped | Sized):
        t = t.inner
    t = None if t is None else only_part(t)
    if t is None or not is_json(t):
        return None
    try:
        return render(t, json.loads(_without_fence(text)))
    except (ValueError, RecursionError):
        return None


def is_json(t: Type) -> bool:
    """Whether the texts of a type are JSON, as its values are."""
    match t:
        case Record() | List() | Json() | Schema():
            return True
        case Union(parts) | Both(parts):
            return all(map(is_json, parts)) or all(isinstance(p, Number | Schema) for p in parts)
    return False


def _without_fence(text: str) -> str:
    """Take JSON out of a fenced block, which is how chat models show it."""
    text = text.strip()
    if not (text.startswith("```") and text.endswith("```") and len(text) > 6):
        return text
    first, _, rest = text[3:-3].partition("\n")
    return rest if first.strip() in ("", "json") else text
