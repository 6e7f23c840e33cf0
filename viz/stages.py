"""The stages of a program on its way through the passes, and what sets each apart from the last.

Only stages that changed something are kept, and a function that a pass left alone is drawn once.
Where all drawings together would be too many, stages in the middle are told together.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final, NamedTuple

from sglc.compiler.ir.graph import Function, Module
from sglc.compiler.ir.op import Op
from sglc.compiler.ir.text import print_module
from sglc.compiler.passes.report import Change
from sglc.viz.atlas import Atlas

MAX_DRAWN_OPS: Final = 24_000  # over all stages: some 10 MB of page
MAX_LISTED: Final = 200  # records, and ops of each kind, that a stage lists


class Stage(NamedTuple):
    """A program behind one or more passes; ``changes`` are what these reported."""

    title: str
    module: Module
    changes: tuple[Change, ...] = ()


class Difference(NamedTuple):
    """How the ops of a function differ from those a stage before, by their numbers.

    ``changed`` maps an op to what it was.
    """

    added: list[int]
    removed: list[int]
    changed: dict[int, int]


def stages_of(
    graph: Module, made: Iterable[tuple[str, Module]], changes: Sequence[Change]
) -> list[Stage]:
    """Return the program as written, then each pass that changed something.

    ``made``: the passes that ran, each with the module it made; ``changes``: all they reported,
    in order.
    """
    stages = [Stage("as written", graph)]
    left = list(changes)
    for title, module in made:
        name = title.partition("{")[0]
        count = next((i for i, c in enumerate(left) if c.pass_name != name), len(left))
        own, left = tuple(left[:count]), left[count:]
        if own or not _same(stages[-1].module, module):
            stages.append(Stage(title, module, own))
    return _bounded(stages)


def difference(function: str, before: Atlas, after: Atlas) -> Difference:
    """Return what sets a function of ``after`` apart from the one in ``before``."""
    old, new = _ops(before, function), _ops(after, function)
    gone = {n: op for n, op in old.items() if n not in new}
    come = {n: op for n, op in new.items() if n not in old}
    changed: dict[int, int] = {}
    for identity in (_results, _place):
        known: dict[Any, list[int]] = {}
        for number, op in gone.items():
            known.setdefault(identity(after, op, number), []).append(number)
        for number, op in list(come.items()):
            same = known.get(identity(after, op, number))
            if same:
                changed[number] = same.pop(0)
                del come[number], gone[changed[number]]
    return Difference(list(come), list(gone), changed)


def stage_data(stage: Stage, before: Atlas | None, after: Atlas) -> dict[str, Any]:
    """Return what the page says of a stage, without its drawings."""
    data: dict[str, Any] = {
        "title": stage.title,
        "records": [_record(change, after) for change in stage.changes[:MAX_LISTED]],
        "num_records": len(stage.changes),
    }
    if before is None:
        return data
    names = dict.fromkeys(f.name for f in (*before.functions, *after.functions))
    found = {
        name: difference(name, before, after)
        for name in names
        if before.function_of(name) is not after.function_of(name)
    }
    return data | {
        "changed": [[new, old] for each in found.values() for new, old in each.changed.items()],
        "added": [number for each in found.values() for number in each.added],
        "removed": [number for each in found.values() for number in each.removed],
    }


def _record(change: Change, atlas: Atlas) -> dict[str, Any]:
    keys = [key for place in change.places for key in atlas.keys_at(place)]
    return {
        "pass": change.pass_name,
        "function": change.function,
        "at": [_short(place) for place in change.places],
        "keys": list(dict.fromkeys(keys)),
        "before": change.before,
        "after": change.after,
        "calls": change.saved.calls,
        "ops": change.saved.ops,
    }


def _short(place: str) -> str:
    """``line:column`` of a place."""
    return ":".join(place.rsplit(":", 2)[1:])


def _ops(atlas: Atlas, name: str) -> dict[int, Op]:
    function = atlas.function_of(name)
    return {} if function is None else {atlas.numbers[op]: op for op in function.walk()}


def _results(atlas: Atlas, op: Op, number: int) -> Any:
    """Ops that give a value of one name are one op, changed; others are not alike in this."""
    return op.results[0].name if op.results else (number,)


def _place(atlas: Atlas, op: Op, number: int) -> Any:
    """Ops of one name from the same place are one op, changed."""
    return op.name, atlas.entries[number].keys[0]


def _bounded(stages: list[Stage]) -> list[Stage]:
    """Tell stages together until all drawings are no more ops than are drawn at all."""
    counts = [sum(1 for _ in stage.module.walk()) for stage in stages]
    while len(stages) > 3 and sum(counts) > MAX_DRAWN_OPS:
        # The one with the fewest changes is told with the stage behind it.
        at = min(range(1, len(stages) - 1), key=lambda i: len(stages[i].changes))
        first, second = stages[at : at + 2]
        title = f"{first.title}, {second.title}"
        stages[at : at + 2] = [Stage(title, second.module, first.changes + second.changes)]
        del counts[at]
    return stages


def _same(a: Module, b: Module) -> bool:
    if a.functions.keys() != b.functions.keys():
        return False
    if a.constraints != b.constraints or a.hints != b.hints:
        return False
    return all(_equal(f, b.functions[name]) for name, f in a.functions.items())


def _equal(a: Function, b: Function) -> bool:
    if a is b:
        return True
    return _text(a) == _text(b)


def _text(function: Function) -> str:
    return print_module(Module(functions={function.name: function}))
