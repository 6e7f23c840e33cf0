"""Constants at compile time: what is known of values, and what an op comes to on known operands."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from sglc.compiler.ir.graph import Function, Module, free_values
from sglc.compiler.ir.op import Literal, Op, Operand, Region, Symbol, Value
from sglc.compiler.ir.spec import exits, is_pure
from sglc.compiler.ir.values import LIST
from sglc.compiler.passes.base import Context, NotConstant
from sglc.compiler.plan.data import DATA_OPS, DataError, evaluate
from sglc.constraints.types import AnyType

MAX_CHARS: Final = 4096  # of the texts an op is evaluated on; results grow with their square
MAX_INT_BITS: Final = 63
_MAX_RANGE_BITS: Final = 16  # of the integers that an op which makes a list is evaluated on
_TEMPORARY: Final = "fold.constant"


class Unknown(Exception):
    """An operand is not known at compile time."""


@dataclass(frozen=True, slots=True)
class Known:
    """The values of a function that are known. They are data, and nobody changes them."""

    values: dict[Value, Any] = field(default_factory=dict)

    def value(self, operand: Operand) -> Any:
        """Return the value of an operand.

        Raises:
            Unknown: it is not known.
        """
        match operand:
            case Literal(value):
                return value
            case Value() if operand in self.values:
                return self.values[operand]
            case tuple():
                return [self.value(item) for item in operand]
        raise Unknown

    def first(self, op: Op) -> Any:
        """Return the value of the first operand of ``op``.

        Raises:
            Unknown: there is none, or it is not known.
        """
        if not op.args:
            raise Unknown
        return self.value(op.args[0])


def as_operand(value: Any, max_items: int) -> Operand | None:
    """Return a value as it stands in the graph; None if it does not, or is too large to.

    ``max_items`` is the most items of a list, those of lists in it included.
    """
    if isinstance(value, str):
        return Literal(value) if len(value) <= MAX_CHARS else None
    if value is None or isinstance(value, bool):
        return Literal(value)
    if isinstance(value, int):
        return Literal(value) if value.bit_length() <= MAX_INT_BITS else None
    if isinstance(value, float):
        return Literal(value) if abs(value) < float("inf") else None
    if isinstance(value, list) and _num_items(value) <= max_items:
        items = tuple(as_operand(item, max_items) for item in value)
        return None if None in items else tuple(item for item in items if item is not None)
    return None


def result_of(op: Op, known: Known, module: Module, context: Context) -> Any:
    """Return the only result of ``op``, which has no effect, on known operands.

    Raises:
        Unknown: an operand is not known, the op fails on them, or is no computation.
    """
    if len(op.results) != 1:
        raise Unknown
    try:
        if op.name in DATA_OPS:
            args = [known.value(arg) for arg in op.args]
            kwargs = {key: known.value(arg) for key, arg in op.kwargs}
            if not _is_small([args, kwargs], makes_list=op.spec.results == (LIST,)):
                raise Unknown
            return evaluate(op.name, args, kwargs, op.attrs)
        if op.spec.calls:
            return _call(op, known, module, context)
        if op.regions and is_pure(op) and not exits(op):
            return _run(op, known, module, context)
    except (DataError, NotConstant, TypeError, ValueError, OverflowError, RecursionError):
        raise Unknown from None  # it is told when the program runs
    raise Unknown


def _call(op: Op, known: Known, module: Module, context: Context) -> Any:
    callee = module.functions[op.symbol or ""]
    if callee.kind != "fn" or op.has_effect:
        raise Unknown
    given = [known.value(arg) for arg in op.args if not isinstance(arg, Symbol)]
    arguments = dict(zip((param.name for param in callee.params), given, strict=False))
    arguments |= {key: known.value(arg) for key, arg in op.kwargs}
    if not _is_small(list(arguments.values()), makes_list=False):
        raise Unknown
    return context.evaluate(module, callee.name, arguments)


def _run(op: Op, known: Known, module: Module, context: Context) -> Any:
    """Run a pure op with regions as the body of a function that takes what it reads."""
    from sglc.compiler.ir.graph import Param

    read = free_values(op)
    given = {value.name: known.value(value) for value in read}
    if any(value.type.name in ("stream", "effect") for value in (*read, op.result)):
        raise Unknown
    if not _is_small(list(given.values()), makes_list=False):
        raise Unknown
    end = Op(name="return", kwargs=(("result", op.result),))
    function = Function(
        kind="fn",
        name=_TEMPORARY,
        params=tuple(Param(value=value, type=AnyType()) for value in read),
        result=AnyType(),
        body=Region(ops=(op, end)),
    )
    return context.evaluate(module.with_function(function), _TEMPORARY, given)


def _num_items(value: Any) -> int:
    if isinstance(value, Mapping):
        return 1 + sum(map(_num_items, value.values()))
    if isinstance(value, Sequence) and not isinstance(value, str):
        return len(value) + sum(map(_num_items, value))
    return 0


def _is_small(value: Any, *, makes_list: bool) -> bool:
    """Whether an op may be tried on these operands: neither time nor memory is at risk."""
    texts: list[str] = []
    ints: list[int] = []
    _leaves(value, texts, ints)
    bits = _MAX_RANGE_BITS if makes_list else MAX_INT_BITS
    return (
        sum(map(len, texts)) <= MAX_CHARS
        and len(texts) + len(ints) <= MAX_CHARS
        and all(number.bit_length() <= bits for number in ints)
    )


def _leaves(value: Any, texts: list[str], ints: list[int]) -> None:
    if isinstance(value, str):
        texts.append(value)
    elif isinstance(value, int):
        ints.append(value)
    elif isinstance(value, Mapping):
        for item in value.values():
            _leaves(item, texts, ints)
    elif isinstance(value, Sequence):
        for item in value:
            _leaves(item, texts, ints)
