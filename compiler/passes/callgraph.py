"""Which functions call which."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from sglc.compiler.ir.graph import Function, Module


def callees(function: Function) -> set[str]:
    """Return the names of the functions that a function calls itself."""
    return {op.symbol or "" for op in function.walk() if op.spec.calls}


def callees_first(module: Module) -> tuple[list[str], list[str]]:
    """Return the functions so that each stands behind those it calls; and apart from these the ones
    that may reach a function which calls itself."""
    called = {name: callees(function) for name, function in module.functions.items()}
    callers: dict[str, list[str]] = {}
    for name, found in called.items():
        for callee in found:
            callers.setdefault(callee, []).append(name)
    missing = Counter({name: len(found) for name, found in called.items()})
    order = [name for name in called if not missing[name]]
    for name in order:  # grows while it is gone through
        for caller in callers.get(name, ()):
            missing[caller] -= 1
            if not missing[caller]:
                order.append(caller)
    done = set(order)
    return order, [name for name in called if name not in done]


def reachable(module: Module, roots: Iterable[str]) -> set[str]:
    """Return the functions that runs from ``roots`` may come to, these included."""
    found: set[str] = set()
    todo = [name for name in roots if name in module.functions]
    while todo:
        name = todo.pop()
        if name not in found:
            found.add(name)
            todo += callees(module.functions[name])
    return found
