"""What is written on an op: a short title, a line of detail, and the class that colours it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from sglc.compiler.ir.graph import Module
from sglc.compiler.ir.notation import write_type
from sglc.compiler.ir.op import AttrValue, Literal, Op, Operand, Symbol, Value
from sglc.compiler.ir.text import write_operand
from sglc.compiler.ir.traits import appends_text
from sglc.compiler.ir.values import STREAM, ValueType

_STREAM_PASSERS: Final = frozenset({"stream", "fork", "branch"})


def kind(op: Op) -> str:
    """The class of an op, by its traits: model, call, host, control, end, hint, stream or data."""
    spec = op.spec
    if spec.hint:
        return "hint"
    if spec.model:
        return "model"
    if spec.calls:
        return "call"
    if spec.host:
        return "host"
    if spec.control:
        return "control"
    if spec.terminator or spec.exits:
        return "end"
    streams = spec.writes_stream or any(v.type == STREAM for v in op.results)
    return "stream" if streams or op.name in _STREAM_PASSERS else "data"


def title(op: Op) -> str:
    """The name of the op and what it is about: ``gen step``, ``put "Step "``."""
    words = [op.name]
    role, name = op.attrs.get("role"), op.attrs.get("name")
    if op.spec.model or op.name == "field":
        subject = "" if op.spec.model else f"{show(op.args[0])}."
        words.append(f"{subject}{name}" if name else subject)
    elif role:
        words.append(str(role))
    elif op.name in ("cmp", "arith"):
        words = [show(op.args[0]), str(op.attrs["op"]), show(op.args[1])]
    elif op.name == "apply":
        words = [f"{op.attrs['fn']}({', '.join(map(show, op.args))})"]
    else:
        skip = 1 if op.spec.writes_stream and len(op.args) > 1 else 0
        words += [show(arg) for arg in op.args[skip:]]
        words += [f"{key}={show(value)}" for key, value in op.kwargs if key != "after"]
    return " ".join(word for word in words if word)


def size(op: Op) -> str:
    """How long a constant text is: ``12 characters``."""
    value = op.args[1] if appends_text(op) else None
    if not (isinstance(value, Literal) and isinstance(value.value, str)):
        return ""
    count = len(value.value)
    return "1 character" if count == 1 else f"{count} characters"


def results(op: Op) -> str:
    """The values that an op gives."""
    return " ".join(map(str, op.results))


def constraint(op: Op, module: Module) -> tuple[str, str] | None:
    """The name and the notation of the constraint of a model call, or None."""
    symbol = op.attrs.get("constraint")
    if not isinstance(symbol, Symbol):
        return None
    return symbol.name, write_type(module.constraints[symbol.name])


def bounds(op: Op) -> str:
    """The limits of a model call: ``≤ 256 tokens · stop "\\n" · temperature 0.7``."""
    parts = []
    limit = op.attrs.get("max_tokens", op.kwarg("max_tokens"))
    if limit is not None:
        parts.append(f"≤ {show(limit)} tokens")
    parts += [
        f"{key} {_plain(value)}"
        for key, value in op.attrs.items()
        if key in ("stop", "temperature", "top_p", "top_k", "min_p", "by", "tokenizations")
    ]
    return " · ".join(parts)


def choices(op: Op) -> str:
    """The texts that a choice is made from, where they are known."""
    among = op.args[1] if op.name == "select" else op.kwarg("choices")
    return "" if among is None else " | ".join(map(show, _items(among)))


def show(operand: Operand | AttrValue) -> str:
    """An operand as a reader wants it: values and symbols by their names alone."""
    if isinstance(operand, Value | Symbol):
        return operand.name
    if isinstance(operand, tuple):
        return f"[{', '.join(map(show, operand))}]"
    return write_operand(operand)


def is_stream(type_: ValueType) -> bool:
    """Whether values of this type are versions of a stream."""
    return type_ == STREAM


def clip(text: str, width: int) -> str:
    """``text`` in ``width`` characters, the last one an ellipsis if some are missing."""
    return text if len(text) <= width else text[: width - 1] + "…"


def piece(op: Op) -> str:
    """What a ``put`` appends: its text, or the name of the value in braces."""
    value = op.args[1]
    if isinstance(value, Literal) and isinstance(value.value, str):
        return value.value
    return "{" + show(value) + "}"


def _items(operand: Operand) -> tuple[Operand, ...]:
    return operand if isinstance(operand, tuple) else (operand,)


def _plain(value: AttrValue) -> str:
    if isinstance(value, tuple) and len(value) == 1:
        return _plain(value[0])
    return value if isinstance(value, str) and value.isidentifier() else show(value)


def head(op: Op, made_by: Mapping[Value, Op]) -> str:
    """What a control op says about its regions: ``for level in 1..depth``."""
    args = [_source(arg, made_by) for arg in op.args]
    params = op.regions[0].params
    match op.name:
        case "for" | "map" | "filter":
            return f"{op.name} {params[0].name} in {args[0]}"
        case "while":
            return f"while, at most {args[0]} turns"
        case "fork":
            name = op.results[0].name
            return (
                f"fork {params[1].name} in {args[1]} as {name}" if len(args) > 1 else f"fork {name}"
            )
    return " ".join([op.name, *args])


def _source(operand: Operand, made_by: Mapping[Value, Op]) -> str:
    """An operand; a range, list, comparison or field as the program writes it."""
    op = made_by.get(operand) if isinstance(operand, Value) else None
    if op is None:
        return show(operand)
    match op.name:
        case "range":
            return f"{show(op.args[0])}..{show(op.args[1])}"
        case "list":
            return show(op.args)
        case "cmp" | "arith":
            return f"{show(op.args[0])} {op.attrs['op']} {show(op.args[1])}"
        case "field":
            return f"{show(op.args[0])}.{op.attrs['name']}"
    return show(operand)
