"""V2 for one op: its operands, attributes and results are those it declares."""

from __future__ import annotations

from collections.abc import Callable
from itertools import zip_longest

from sglc.compiler.ir.graph import Function, Module
from sglc.compiler.ir.op import AttrValue, Literal, Op, Operand, Symbol, Value
from sglc.compiler.ir.ops import ARITH_OPS, CMP_OPS, SEAMS, SELECT_METHODS, TOKENIZATIONS, UNTIL
from sglc.compiler.ir.spec import OpSpec
from sglc.compiler.ir.traits import changes_lineage
from sglc.compiler.ir.values import (
    ANY,
    BOOL,
    EFFECT,
    INT,
    NONE,
    NUMBER,
    ValueType,
    assignable,
    from_type,
    join_all,
    list_of,
    literals_of,
    overlaps,
)  # fmt: skip
from sglc.compiler.plan.builtins import BUILTINS
from sglc.compiler.plan.segments import from_words
from sglc.compiler.plan.sites import is_path

Report = Callable[[str], None]
_CHOICES = {
    ("cmp", "op"): CMP_OPS,
    ("arith", "op"): ARITH_OPS,
    ("gen", "seam"): SEAMS,
    ("select", "by"): SELECT_METHODS,
    ("select", "tokenizations"): TOKENIZATIONS,
    ("apply", "fn"): tuple(BUILTINS),
    ("fork", "until"): UNTIL,
    ("map", "until"): UNTIL,
}


def operand_type(operand: Operand) -> ValueType:
    """Return the type of an operand; symbols have none, and are ``any``."""
    match operand:
        case Value(type=type_):
            return type_
        case Literal(None):
            return NONE
        case Literal(bool()):
            return BOOL
        case Literal(int()):
            return INT
        case Literal(float()):
            return NUMBER
        case Literal(str(text)):
            return literals_of(text)
        case tuple(items):
            return list_of(join_all(map(operand_type, items)))
    return ANY


def check_operands(op: Op, spec: OpSpec, module: Module, report: Report) -> None:
    """Report operands and results that the op does not take or give."""
    _check_positional(op, spec, report)
    _check_results(op, spec, report)
    if spec.name == "markup" and not _is_markup(op):
        report("operand 1: texts and names of special tokens in turn, an odd number of constants")
    if changes_lineage(op) and len(op.args) > 1 and not _is_number(op.args[1]):
        report("operand 1: the number of a child, an int from 0 on")
    keywords = op.kwargs[:-1] if op.after is not None else op.kwargs
    seen: set[str] = set()
    for key, value in keywords:
        if not spec.any_kwargs and key not in spec.kwargs:
            report(f"takes no keyword {key!r}")
        if key in seen:
            report(f"has the keyword {key!r} twice")
        if isinstance(value, Symbol):
            report(f"{key}: a symbol is not a value")
        seen.add(key)
    if op.has_effect and (op.after is None or operand_type(op.after) not in (EFFECT, NONE)):
        report("comes after no effect: it needs `after`, an effect or none")
    if spec.calls:
        _check_call(op, spec, module, report)
    elif spec.host:
        _check_tool(op, module, report)


def check_attrs(op: Op, spec: OpSpec, report: Report) -> None:
    """Report attributes that are unknown, missing or of another kind."""
    for key, value in op.attrs.items():
        kind = spec.attrs.get(key)
        if kind is None:
            report(f"has no attribute {key!r}")
        elif not is_kind(kind, value):
            report(f"attribute {key}: {value!r} where {kind} is declared")
        elif value not in _CHOICES.get((op.name, key), (value,)):
            report(f"attribute {key}: {value!r} is none of {', '.join(_CHOICES[op.name, key])}")
        elif op.kwarg(key) is not None:
            report(f"{key!r} is both attribute and operand")
    for key in spec.required:
        if key not in op.attrs:
            report(f"lacks the attribute {key!r}")
    if "until" in op.attrs and spec.reads_stream and len(op.args) == 1:
        report("attribute until: the branches of a fork by names are all waited for")
    if (op.attrs.get("until") in ("goal", "first_goal")) != ("goal" in op.attrs):
        report("attribute goal: the value that `until` goal and first_goal wait for, and no other")
    if op.attrs.get("tokenizations") == "all" and "by" in op.attrs:
        report("attribute by: all tokenizations are summed, by no other method")


def _is_number(operand: Operand) -> bool:
    if isinstance(operand, Literal):
        return type(operand.value) is int and operand.value >= 0
    return operand_type(operand) == INT


def _is_markup(op: Op) -> bool:
    parts = op.args[1] if len(op.args) > 1 else None
    return (
        isinstance(parts, tuple)
        and len(parts) % 2 == 1
        and all(isinstance(part, Literal) and isinstance(part.value, str) for part in parts)
        and all(isinstance(part, Literal) and part.value for part in parts[1::2])
    )


def _check_positional(op: Op, spec: OpSpec, report: Report) -> None:
    slots = list(spec.args)
    if slots and slots[-1].rest:
        slots += [slots[-1]] * (len(op.args) - len(slots))
    least = sum(not (slot.optional or slot.rest) for slot in spec.args)
    if not least <= len(op.args) <= len(slots):
        report(f"has {len(op.args)} operands, not {least}")
        return
    for index, (slot, arg) in enumerate(zip(slots, op.args, strict=False)):
        if slot.kind in ("callee", "tool"):
            if not isinstance(arg, Symbol):
                report(f"operand {index}: the name of a {slot.kind}, not a value")
        elif isinstance(arg, Symbol):
            report(f"operand {index}: a value, not {arg}")
        elif slot.kind == "stream" and operand_type(arg).name != "stream":
            report(f"operand {index}: {operand_type(arg)} where stream is declared")


def _check_results(op: Op, spec: OpSpec, report: Report) -> None:
    chained = op.has_effect and spec.effectful
    if spec.results is None:
        return
    declared = ((EFFECT,) if chained else ()) + spec.results
    for value, wanted in zip_longest((v.type for v in op.results), declared):
        if value is None or wanted is None:
            report(f"has {len(op.results)} results, not {len(declared)}")
            return
        if "stream" in (value.name, wanted.name) or "effect" in (value.name, wanted.name):
            if value.name != wanted.name and not (wanted == ANY and value.name == "stream"):
                report(f"gives {wanted}, not {value}")
        elif wanted.name == "bool" and not assignable(value, wanted):
            report(f"gives {wanted}, not {value}")


def _check_call(op: Op, spec: OpSpec, module: Module, report: Report) -> None:
    callee = module.functions.get(op.symbol or "")
    if callee is None:
        report(f"there is no function @{op.symbol}")
        return
    if spec.writes_stream and callee.kind != "prompt":
        report(f"@{callee.name} is not a prompt")
    skipped = 2 if spec.reads_stream else 1
    given = _bind(callee, op, op.args[skipped:], report)
    for param in callee.params:
        if param.name in given:
            wanted, got = from_type(param.type), operand_type(given[param.name])
            if not overlaps(wanted, got):
                report(f"{param.name}: {got} where {wanted} is declared")


def _bind(
    callee: Function, op: Op, args: tuple[Operand, ...], report: Report
) -> dict[str, Operand]:
    names = [param.name for param in callee.params]
    given = dict(zip(names, args, strict=False))
    if len(args) > len(names):
        report(f"@{callee.name} takes {len(names)} arguments, not {len(args)}")
    for key, value in op.kwargs[:-1] if op.after is not None else op.kwargs:
        if key not in names or key in given:
            report(f"@{callee.name} takes no {'second ' if key in given else ''}argument {key!r}")
        given[key] = value
    from sglc.constraints.types import MISSING

    for param in callee.params:
        if param.name not in given and param.default is MISSING:
            report(f"@{callee.name} needs the argument {param.name!r}")
    return given


def _check_tool(op: Op, module: Module, report: Report) -> None:
    tool = module.tools.get(op.symbol or "")
    if tool is None:
        report(f"there is no tool @{op.symbol}")
        return
    if (tool.effect == "effectful") != op.has_effect:
        what = "an effect first" if tool.effect == "effectful" else "no effect"
        report(f"@{tool.name} is {tool.effect}: it gives {what}")
    known = dict(tool.params)
    for key, value in op.kwargs[:-1] if op.after is not None else op.kwargs:
        if key not in known:
            report(f"@{tool.name} takes no argument {key!r}")
        elif not overlaps(from_type(known[key]), operand_type(value)):
            report(f"{key}: {operand_type(value)} where {known[key]} is declared")


def _are_segments(value: AttrValue) -> bool:
    if not isinstance(value, tuple) or not is_kind("strs", value):
        return False
    try:
        from_words([str(word) for word in value])
    except ValueError:
        return False
    return True


def is_kind(kind: str, value: AttrValue) -> bool:
    """Whether a constant is of the kind that an attribute declares."""
    match kind:
        case "bool":
            return isinstance(value, bool)
        case "int":
            return isinstance(value, int) and not isinstance(value, bool)
        case "number":
            return isinstance(value, int | float) and not isinstance(value, bool)
        case "str":
            return isinstance(value, str)
        case "symbol":
            return isinstance(value, Symbol)
        case "strs":
            return isinstance(value, tuple) and all(isinstance(item, str) for item in value)
        case "segments":
            return isinstance(value, tuple) and all(map(_are_segments, value))
        case "site":
            return isinstance(value, str) and is_path(value)
        case "path":
            return is_kind("str", value) or is_kind("strs", value)
    raise AssertionError(f"unknown kind of attribute {kind!r}")
