"""V6 bounds, V7 constraints, V8 sites; and names that must be told apart."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator

from sglc.compiler.ir.graph import Function, Module
from sglc.compiler.ir.op import Literal, Op, Symbol
from sglc.compiler.ir.ops import MODULE_HINTS, OPS
from sglc.compiler.ir.traits import draws_by_stream
from sglc.compiler.ir.verify_ops import is_kind
from sglc.constraints.types import is_constraint

Report = Callable[[str, "Op | None", str], None]
_SYMBOL = re.compile(r"[A-Za-z_][\w.]*")


def check_module(module: Module, reporter: Callable[[str], Report], languages: bool) -> None:
    """Report what is wrong with the module as a whole, and V6 to V8 of its functions."""
    report = reporter("")
    for table in (module.functions, module.constraints, module.tools):
        for name in table:
            if not _SYMBOL.fullmatch(name):
                report("V1", None, f"{name!r} is not a name")
    for name in module.functions.keys() & module.tools.keys():
        report("V1", None, f"@{name} is both a function and a tool")
    for name, value in module.hints.items():
        kind = MODULE_HINTS.get(name)
        if kind is None:
            report("V2", None, f"there is no hint {name!r} (known: {', '.join(MODULE_HINTS)})")
        elif not is_kind(kind, value):
            report("V2", None, f"hint {name}: {value!r} where {kind} is declared")
    for name, type_ in module.constraints.items():
        if not is_constraint(type_):
            report("V7", None, f"constraint @{name}: `{type_}` cannot be generated")
        elif languages and _is_empty(name, module):
            report("V7", None, f"constraint @{name}: no text satisfies `{type_}`")
    for function in module.functions.values():
        _check_function(function, module, reporter(function.name))
    for name in _recursive_models(module):
        reporter(name)("V6", None, "calls itself and asks the model: nothing bounds it")


def _check_function(function: Function, module: Module, report: Report) -> None:
    sites: set[object] = set()
    for op, path in _placed(function.body.ops, ()):
        spec = OPS.get(op.name)
        if spec is None:
            continue  # V9, reported with the shape
        site = op.attrs.get("rng")
        place = site, path
        if site is None:
            if spec.site:
                report("V8", op, "has no `rng` site")
        elif place in sites and not draws_by_stream(op):
            report("V8", op, f"`rng` site {site!r} is used twice")
        elif spec.calls and not (isinstance(site, str) and site.isdecimal()):
            report("V8", op, f"the `rng` site of a call is a number, not {site!r}")
        sites.add(place)
        if spec.loop and "cond" in spec.regions[0].catches and op.args[:1] == (Literal(None),):
            report("V6", op, "has no limit")
        if "max_tokens" in spec.attrs and op.kwarg("max_tokens") is None:
            limit = op.attrs.get("max_tokens")
            if not isinstance(limit, int) or isinstance(limit, bool) or limit < 1:
                report("V6", op, "has no `max_tokens` of 1 or more")
        constraint = op.attrs.get("constraint")
        if isinstance(constraint, Symbol) and constraint.name not in module.constraints:
            report("V7", op, f"there is no constraint {constraint}")


def _placed(ops: Iterable[Op], path: tuple[object, ...]) -> Iterator[tuple[Op, tuple[object, ...]]]:
    """Yield ops and those in them, each with the paths of the ops it is in and its own."""
    for op in ops:
        own = (*path, op.attrs["path"]) if "path" in op.attrs else path
        yield op, own
        for region in op.regions:
            yield from _placed(region.ops, own)


def _is_empty(name: str, module: Module) -> bool:
    from sglc.constraints.language import language

    return not language(module.constraints[name]).start


def _recursive_models(module: Module) -> list[str]:
    """The functions that can reach themselves by calls, with the model asked on the way."""
    callees: dict[str, set[str]] = {}
    asks: set[str] = set()
    for function, op in module.walk():
        spec = OPS.get(op.name)
        reached = callees.setdefault(function.name, set())
        if spec is not None and spec.calls and op.symbol is not None:
            reached.add(op.symbol)
        if spec is not None and spec.model:
            asks.add(function.name)
    reach = {name: _reachable(name, callees) for name in callees}
    return [
        name
        for name in callees
        if name in reach[name]
        and any(other in asks for other in reach[name] if name in reach.get(other, ()))
    ]


def _reachable(name: str, callees: dict[str, set[str]]) -> set[str]:
    found: set[str] = set()
    todo = list(callees.get(name, ()))
    while todo:
        other = todo.pop()
        if other not in found:
            found.add(other)
            todo += callees.get(other, ())
    return found
