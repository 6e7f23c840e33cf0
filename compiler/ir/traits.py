"""Questions that passes ask about ops: what an op comes to, rather than what it is called."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sglc.compiler.ir.op import Literal, Op, Operand, Region
from sglc.compiler.ir.values import ANY, BOOL, BRANCH, GROUP, LIST, STREAM
from sglc.compiler.plan.data import equal, truth
from sglc.compiler.plan.seeds import BY_STREAM
from sglc.compiler.plan.sites import leaves_prompt

if TYPE_CHECKING:
    from sglc.compiler.ir.op import Place


def places(op: Op) -> tuple[Place, ...]:
    """Where in the source an op comes from."""
    if op.origins:
        return op.origins
    return () if op.span is None else (op.span,)


def starts_stream(op: Op) -> bool:
    """Whether the op gives a stream that begins there."""
    return op.spec.results == (STREAM,) and not op.spec.reads_stream and not op.regions


def may_be_entry(op: Op) -> bool:
    """Whether the op begins a stream, and is the entry of a prompt if it is the first."""
    return starts_stream(op) and not op.attrs.get("fresh")


def capture_of(op: Op) -> str | None:
    """The name under which the function that the op stands in captures its value, or None.

    That of a decode in a branch or a call counts there and not here, also once the op was taken
    out of it. A branch of a fork that the op itself stands in is not looked at.
    """
    name = op.attrs.get("name") if op.spec.model else None
    return name if isinstance(name, str) and not is_apart(op) else None


def is_apart(op: Op) -> bool:
    """Whether the op, and what is in it, was taken out of a branch or a call."""
    path = op.attrs.get("path")
    return isinstance(path, str) and leaves_prompt(path)


def appends_text(op: Op) -> bool:
    """Whether the op appends its second operand to a stream as plain text."""
    spec = op.spec
    return spec.pure and spec.writes_stream and spec.formats and not op.attrs.get("special")


def changes_lineage(op: Op) -> bool:
    """Whether the op gives a version with the content of its operand, and other random numbers."""
    return op.name == "child"


def draws_by_stream(op: Op) -> bool:
    """Whether what a decode draws depends on the lineage of its stream, not on where it stands."""
    return decodes(op) and op.attrs.get("rng") == BY_STREAM


def warms(op: Op) -> bool:
    """Whether the op asks for the K/V of a version to be computed."""
    return op.name == "warm"


def releases(op: Op) -> bool:
    """Whether the op lets go of what is held for a version."""
    return op.name == "release"


def has_content(op: Op) -> bool:
    """Whether the op surely appends a token to a stream."""
    if role_step(op) or any(markup_of(op)):
        return True
    said = op.args[1] if op.spec.writes_stream and op.spec.formats else None
    return isinstance(said, Literal) and said.value != ""


def markup_of(op: Op) -> tuple[str, ...]:
    """The texts and special tokens in turn that the op appends; none if it is another op."""
    items = op.args[1] if op.name == "markup" else ()
    assert isinstance(items, tuple)
    return tuple(str(item.value) for item in items if isinstance(item, Literal))


def role_step(op: Op) -> int:
    """1 for an op that opens a message, -1 for one that closes it, else 0."""
    if "role" not in op.spec.required:
        return 0
    return 1 if op.name == "role.begin" else -1


def constant_of(op: Op) -> Operand | None:
    """The operand whose value the op gives as it is, or None."""
    return op.args[0] if op.name == "const" else None


def joined_texts(op: Op) -> tuple[Operand, ...]:
    """The operands whose texts the op gives one behind the other; empty if it does not."""
    return op.args if op.name == "concat" else ()


def num_items(op: Op) -> int | None:
    """How many items the list has that the op gives; None if it gives none, or the run can tell."""
    if op.name == "range":
        ends = [arg.value for arg in op.args if isinstance(arg, Literal)]
        low, high = ends if len(ends) == 2 else (None, None)
        if type(low) is int and type(high) is int:
            return max(0, high - low + 1)
    items = constant_of(op)
    return len(items) if isinstance(items, tuple) else None


def projected(op: Op) -> str | None:
    """The field that the op takes out of its operand, or None if it does nothing like that."""
    name = op.attrs.get("name")
    return name if op.spec.required == ("name",) and isinstance(name, str) else None


def decodes(op: Op) -> bool:
    """Whether the op lets the model write text of its own."""
    return op.spec.model and op.spec.site


def draws(op: Op) -> bool:
    """Whether the op depends on random numbers: a decode that is not greedy."""
    if not decodes(op):
        return False
    temperature = op.attrs.get("temperature", 0)
    return op.kwarg("temperature") is not None or temperature != 0


def picks_item(op: Op) -> bool:
    """Whether the op gives one of the branches of its first operand."""
    return op.spec.results == (BRANCH,) and not op.spec.reads_stream


def makes_branch(op: Op) -> bool:
    """Whether the op makes a branch of two versions of a stream and its keywords."""
    return op.spec.results == (BRANCH,) and op.spec.reads_stream


def forks_items(op: Op) -> bool:
    """Whether the op runs its region as a branch for each item of its second operand."""
    return op.spec.results == (GROUP,) and bool(op.regions) and len(op.args) == 2


def maps_items(op: Op) -> bool:
    """Whether the op gives a list of what its region makes of each item of its operand."""
    return op.name == "map"


def tells_end(op: Op) -> bool:
    """Whether a run tells that the branch which the op makes has ended: it was one of a fork."""
    return makes_branch(op) and "path" in op.attrs


def gathers(op: Op) -> bool:
    """Whether the op makes a group of its operands, which are branches."""
    return op.spec.results == (GROUP,) and not op.regions


def lists(op: Op) -> bool:
    """Whether the op makes a list of its operands."""
    return op.spec.results == (LIST,) and op.spec.total and not op.regions


def records(op: Op) -> bool:
    """Whether the op makes a record of its keywords."""
    return op.spec.results == (ANY,) and op.spec.any_kwargs and op.spec.total


def takes_item(op: Op) -> bool:
    """Whether the op gives the item of its first operand that the second one says."""
    return op.name == "index" or picks_item(op)


def counts_items(op: Op) -> bool:
    """Whether the op gives the number of items of its operand."""
    return op.attrs.get("fn") == "len" and len(op.args) == 1 and not op.kwargs


def field_path(op: Op) -> tuple[str, ...]:
    """The fields, from the outside in, by which the op compares the items of its only operand.

    Empty unless the op gives one of these items.
    """
    by = op.attrs.get("by")
    if op.attrs.get("fn") not in ("best", "max", "min") or len(op.args) != 1 or op.kwargs:
        return ()
    if isinstance(by, str):
        return tuple(by.strip(".").split("."))
    return tuple(map(str, by)) if isinstance(by, tuple) else ()


def compared_by(op: Op) -> str | None:
    """The sign by which the op compares its two operands, or None."""
    how = op.attrs.get("op") if op.spec.results == (BOOL,) else None
    return how if isinstance(how, str) else None


def aggregate_of(op: Op) -> str | None:
    """The built-in by which the op makes one value or item of its only operand, a list.

    Only those of which some of the list may say enough.
    """
    fn = op.attrs.get("fn")
    if fn not in ("majority", "any", "all", "best", "max", "min") or len(op.args) != 1 or op.kwargs:
        return None
    return str(fn)


def chooses_region(op: Op) -> bool:
    """Whether the op runs one of its regions, the one that its operand says."""
    return op.spec.region("do") is not None or op.spec.region("case") is not None


def chosen_region(op: Op, known: Any) -> Region | None:
    """The region that an op surely runs once, if ``known`` is its first operand.

    None where that is not decided, or no region runs.
    """
    if op.spec.loop or op.spec.reads_stream or not op.args:
        return None
    labels = [region.label for region in op.regions]
    if labels == ["do", "else"]:
        return op.regions[0 if truth(known) else 1]
    if not op.spec.region("case"):
        return None
    return next(
        (r for r in op.regions if r.label == "else" or any(equal(known, c) for c in r.case)), None
    )


def runs_no_turn(op: Op, known: Any) -> bool:
    """Whether a loop is left with the values it began with, if ``known`` is its first operand."""
    if not op.spec.loop:
        return False
    if "cond" in op.spec.regions[0].catches:
        return type(known) is int and known <= 0
    return isinstance(known, list | tuple) and not known


def is_passed(op: Op, known: Any) -> bool:
    """Whether an op that may only fail or go on goes on, if ``known`` is its first operand."""
    only_fails = op.spec.exits == frozenset({"failure"}) and not op.spec.terminator
    return only_fails and truth(known)


def has_own_exit(region: Region) -> bool:
    """Whether an op of the region decides by itself that the loop around is over."""
    return any("cond" in op.spec.exits for op in region.ops)
