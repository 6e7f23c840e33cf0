"""The first thing in which a run differs from what was recorded, and where it is in the source."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from sglc.compiler.plan.common import common_len
from sglc.compiler.plan.plan import Plan, walk
from sglc.runtime.executor.run import Result
from sglc.runtime.executor.walk import Asked
from sglc.runtime.recording.keys import call_site, op_data
from sglc.runtime.recording.recording import RecordedCall, RecordedRun, Recording
from sglc.runtime.recording.values import to_line
from sglc.runtime.recording.writer import outcome_data
from sglc.runtime.tokenizer.base import TokenizerLike

_SHOWN: Final = 60  # characters of a text that are shown
_BEFORE: Final = 20  # of them before the first difference


@dataclass(frozen=True, slots=True)
class Difference:
    """What was ``expected`` of ``what`` at a place in the source, and what came instead."""

    place: str
    what: str
    expected: str
    got: str

    def __str__(self) -> str:
        head = f"{self.place}: {self.what}" if self.place else self.what
        return f"{head}\n  expected: {self.expected}\n  got:      {self.got}"


def first_difference(recorded: RecordedRun, result: Result, plan: Plan) -> Difference | None:
    """Compare a run with what it came to before; of captures, the first in the source differs.

    A run that was ended by time, or by whoever began it, is compared in the captures it had.
    """
    expected = recorded.outcome
    if expected is None:
        return None
    got = json.loads(to_line(outcome_data(result)))
    before, now = expected["captures"], got["captures"]
    names = list(before) if recorded.is_timeout else list({**before, **now})
    changed = [name for name in names if before.get(name) != now.get(name)]
    if changed:
        places = {name: place_of(plan, name) for name in changed}
        name = min(changed, key=lambda name: _order(places[name]))
        shown = _shown(before.get(name, _NOTHING), now.get(name, _NOTHING))
        return Difference(_text(places[name]), f"capture `{name}`", *shown)
    if recorded.is_timeout:
        return None
    for part in ("error", "value", "text"):
        if expected.get(part) != got.get(part):
            place = (got.get("error") or expected.get("error") or {}).get("loc") or ""
            shown = _shown(expected.get(part, _NOTHING), got.get(part, _NOTHING))
            return Difference(str(place), f"the {part}", *shown)
    return None


def missing_call(
    recording: Recording, asked: Asked, plan: Plan | None, tokenizer: TokenizerLike
) -> Difference:
    """Say in what a call that was not recorded differs from the one that is most like it."""
    name = f"call `{asked.op.label}`" if asked.op.label else "a call"
    place = _text(place_of(plan, asked.op.label) if plan is not None and asked.op.label else None)
    near = _nearest(recording, asked)
    if near is None:
        return Difference(
            place,
            f"{name} is not in the recording",
            "no call of that name",
            _tail(asked, tokenizer),
        )
    prompt = tuple(recording.prompt(near.number))
    if prompt != asked.ids:
        old, new = tokenizer.decode(prompt), tokenizer.decode(asked.ids)
        if old != new:
            return Difference(place, f"the prompt of {name}", *_shown(old, new))
        size = common_len(prompt, asked.ids)
        cut = slice(max(0, size - 3), size + 8)
        return Difference(
            place, f"the tokens of {name} from number {size} on",
            str(list(prompt[cut])), str(list(asked.ids[cut])),
        )  # fmt: skip
    op = json.loads(to_line(op_data(asked.op)))
    if op != dict(near.op):
        return Difference(place, f"the options of {name}", *_options(near.op, op))
    return Difference(
        place, f"the random numbers of {name}", f"key {near.site}", f"key {call_site(asked)}"
    )


def place_of(plan: Plan, name: str) -> tuple[str, int, int] | None:
    """Return where in the source something is written under a name first."""
    found = [
        (node.loc.file, node.loc.line, node.loc.column)
        for function in plan.functions.values()
        for node in walk(function.body)
        if node.attrs.get("name") == name and node.loc is not None
    ]
    return min(found, default=None)


_NOTHING: Final = object()


def _nearest(recording: Recording, asked: Asked) -> RecordedCall | None:
    """Return the call of the same name and kind that has most in common with this one."""
    kind = op_data(asked.op)["op"]
    alike = [
        c for c in recording.calls.values() if c.label == asked.op.label and c.op["op"] == kind
    ]
    return max(
        alike,
        key=lambda call: common_len(tuple(recording.prompt(call.number)), asked.ids),
        default=None,
    )


def _order(place: tuple[str, int, int] | None) -> tuple[bool, tuple[str, int, int]]:
    return (place is None, place or ("", 0, 0))


def _text(place: tuple[str, int, int] | None) -> str:
    return "" if place is None else ":".join(map(str, place))


def _tail(asked: Asked, tokenizer: TokenizerLike) -> str:
    text = tokenizer.decode(asked.ids)
    return _quoted(text, len(text))


def _options(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[str]:
    """Yield what is in one op and not in the other, for both."""
    names = [name for name in {**old, **new} if old.get(name) != new.get(name)]
    for each in (old, new):
        told = [f"{n}={json.dumps(each[n], ensure_ascii=False)}" for n in names if n in each]
        yield ", ".join(told) or "the defaults"


def _shown(old: Any, new: Any) -> tuple[str, str]:
    """Return both as they are shown: texts from a little before where they differ."""
    if isinstance(old, str) and isinstance(new, str):
        at = common_len(old, new)
        return _quoted(old, at), _quoted(new, at)
    first, second = _json(old), _json(new)
    at = common_len(first, second)
    return _clipped(first, at), _clipped(second, at)


def _json(value: Any) -> str:
    return "nothing" if value is _NOTHING else json.dumps(value, ensure_ascii=False)


def _quoted(text: str, at: int) -> str:
    begin = max(0, at - _BEFORE)
    part = json.dumps(text[begin : begin + _SHOWN], ensure_ascii=False)
    return ("…" if begin else "") + part + ("…" if begin + _SHOWN < len(text) else "")


def _clipped(text: str, at: int) -> str:
    if len(text) <= _SHOWN:
        return text
    begin = max(0, at - _BEFORE)
    part = text[begin : begin + _SHOWN]
    return ("…" if begin else "") + part + ("…" if begin + _SHOWN < len(text) else "")
