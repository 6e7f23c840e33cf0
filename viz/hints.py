"""What passes told the runtime: streams that are held, groups, arms that may begin early."""

from __future__ import annotations

from collections.abc import Iterable

from sglc.compiler.ir.op import Op, Region, Value, walk
from sglc.viz.words import show


def hint_words(op: Op) -> list[str]:
    """The hints of a model op, in words."""
    attrs = op.attrs
    found = []
    if attrs.get("group"):
        found.append(f"group {str(attrs['group']).rpartition('.')[2]}")
    if attrs.get("hold"):
        found.append("held")
    if attrs.get("insert") is False:
        found.append("not cached")
    if attrs.get("expect"):
        found.append(f"expects {show(attrs['expect'])} bytes")
    if attrs.get("jump"):
        found.append("jumps")
    if attrs.get("seam") and attrs["seam"] != "canonical":
        found.append(f"{attrs['seam']} seam")
    return found


def held_values(ops: Iterable[Op]) -> set[Value]:
    """The versions of streams that stay in the engine from one call of the model to the next."""
    held: set[Value] = set()
    for op in walk(ops):
        if not op.spec.writes_stream:
            continue
        goes_on = not op.spec.model and not op.spec.calls and op.args[0] in held
        if op.attrs.get("hold") or goes_on:
            held.add(op.results[0])
    return held


def is_speculative(op: Op, region: Region) -> bool:
    """Whether an arm may begin before it is known that it is the one."""
    names = op.attrs.get("spec")
    if not isinstance(names, tuple):
        return False
    return (str(region.case[0]) if region.case else region.label) in map(str, names)


def groups(ops: Iterable[Op]) -> dict[str, list[Op]]:
    """The ops of a region, not of those inside, that are submitted together; two at least."""
    found: dict[str, list[Op]] = {}
    for op in ops:
        group = op.attrs.get("group")
        if isinstance(group, str):
            found.setdefault(group, []).append(op)
    return {name: members for name, members in found.items() if len(members) > 1}
