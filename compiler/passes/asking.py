"""Which calls of tools are made for what they give alone, so that one nobody reads may go.

Such a tool changes nothing, the program does not say that it must be asked (``must``), and no
``try`` hears of its failure: not around the call, nor around a call of the function it stands in.
What is lost with the call is a failure of the run.
"""

from __future__ import annotations

from collections.abc import Iterator

from sglc.compiler.ir.graph import Module
from sglc.compiler.ir.op import Op, Region, walk


def optional_tools(module: Module) -> frozenset[int]:
    """Return the identities of the ops that call such tools."""
    caught = _caught(module)
    return frozenset(
        id(op)
        for name, function in module.functions.items()
        if name not in caught
        for op in _free(function.body)
        if op.spec.host and not op.attrs.get("must") and not op.has_effect
        if module.tools[op.symbol or ""].effect != "effectful"
    )


def _caught(module: Module) -> set[str]:
    """The functions in which something is run under a ``try`` of a caller."""
    callees = {
        name: {op.symbol or "" for op in function.walk() if op.spec.calls}
        for name, function in module.functions.items()
    }
    found: set[str] = set()
    todo = [name for f in module.functions.values() for name in _calls_caught(f.body)]
    while todo:
        name = todo.pop()
        if name not in found:
            found.add(name)
            todo += callees[name]
    return found


def _free(region: Region) -> Iterator[Op]:
    """Yield the ops of a region whose failure leaves it."""
    for op in region.ops:
        yield op
        for inner in op.regions:
            if not _catches(op, inner):
                yield from _free(inner)


def _calls_caught(region: Region) -> Iterator[str]:
    for op in region.ops:
        for inner in op.regions:
            if _catches(op, inner):
                yield from (each.symbol or "" for each in walk(inner.ops) if each.spec.calls)
            else:
                yield from _calls_caught(inner)


def _catches(op: Op, region: Region) -> bool:
    declared = op.spec.region(region.label)
    return declared is not None and "failure" in declared.catches
