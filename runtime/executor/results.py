"""What a run comes to: its value, or what there is of it."""

from __future__ import annotations

from typing import Any

from sglc.compiler.plan.arms import arm_name
from sglc.compiler.plan.plan import Loc
from sglc.runtime.executor.code import UNSET
from sglc.runtime.executor.errors import Poison, RunError
from sglc.runtime.executor.frame import Frame
from sglc.runtime.executor.run import Result, Run
from sglc.runtime.executor.stream import Stream


def make_result(run: Run, root: Frame, error: RunError | None) -> Result:
    """Return the outcome of a run that has ended, or is ended by ``error``."""
    left = run.owner.left
    source, names = (root, _last_names(root)) if left is None else (left.source, left.names)
    found = [] if left is None else [source.values[slot] for slot in left.slots]
    stream = last_version(run, error)
    run.versions.clear()
    captures = {name: value for name, (_, value) in run.captures.items()}
    for name, slot in names:
        value = source.values[slot]
        if value is not UNSET and not isinstance(value, Poison):
            captures[name] = value
    value = found[1] if error is None else None
    text = "" if stream is None else _text(stream)
    messages = [] if stream is None else stream.messages()
    return Result(
        value, captures, text, messages, error, run.stats, _arms_taken(run), run.speculated,
        run.committed,
    )  # fmt: skip


def _arms_taken(run: Run) -> dict[tuple[Loc, str], int]:
    found: dict[tuple[Loc, str], int] = {}
    for block, count in run.arms.items():
        if block.loc is not None:
            key = block.loc, arm_name(block.label, block.case)
            found[key] = found.get(key, 0) + count
    return found


def last_version(run: Run, error: RunError | None) -> Stream | None:
    """Return the stream that the entry prompt has handed out, or what there is of it."""
    left = run.owner.left
    found = None if left is None or not left.slots else left.source.values[left.slots[0]]
    return found if isinstance(found, Stream) else _said_before(run, error)


def _said_before(run: Run, error: RunError | None) -> Stream | None:
    """The longest version of the prompt that is there, without what would follow the error.

    Text has no reason to wait for a check that stands before it, so there may be more.
    """
    versions = [
        stream
        for order, stream in run.versions
        if error is None or not error.order or order < error.order
    ]
    return max(versions, key=lambda stream: stream.length, default=None)


def _last_names(root: Frame) -> tuple[tuple[str, int], ...]:
    last = root.code.nodes[-1]
    return last.kwargs if last.op == "return" else ()


def _text(stream: Stream) -> str:
    try:
        return stream.text
    except ValueError:  # a role the model does not have: what was said is still worth showing
        return stream.since(_start(stream))


def _start(stream: Stream) -> Any:
    while stream.parent is not None:
        stream = stream.parent
    return stream
