"""The JSON form of a module: version 1.

A value is ``"%name"``, a symbol ``"@name"``, a text that begins like one of them (or with a
backslash) has a backslash in front; other scalars are themselves, lists are lists.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from sglc.compiler.ir.graph import Function, Module, Param
from sglc.compiler.ir.op import AttrValue, Literal, Op, Operand, Region, Symbol, Value
from sglc.compiler.ir.values import ValueType
from sglc.compiler.plan.plan import Loc
from sglc.compiler.plan.serial import tool_from_data, tool_to_data
from sglc.constraints import type_data, types

if TYPE_CHECKING:
    from sglc.compiler.ir.op import Place

VERSION = 1


def to_data(module: Module, *, places: bool = True) -> dict[str, Any]:
    """Return the module as JSON-able data; ``places`` includes source locations and ids."""
    data: dict[str, Any] = {
        "version": VERSION,
        "constraints": {name: type_data.to_data(t) for name, t in module.constraints.items()},
        "tools": {name: tool_to_data(tool) for name, tool in module.tools.items()},
        "config": _attrs(module.config),
        "prompts": [_function(f, places) for f in module.functions.values()],
    }
    if module.hints:
        data["hints"] = _attrs(module.hints)
    if places:
        data["sources"] = list(module.sources)
    return data


def from_data(data: Mapping[str, Any]) -> Module:
    """Return the module that ``to_data`` made ``data`` from; places become ``Loc``.

    Raises:
        ValueError: the version is unknown, or the data is not a module's.
    """
    if data.get("version") != VERSION:
        raise ValueError(f"unknown version of the graph: {data.get('version')!r} (known: 1)")
    try:
        functions = [_read_function(f) for f in data["prompts"]]
        return Module(
            functions={f.name: f for f in functions},
            constraints={name: type_data.from_data(t) for name, t in data["constraints"].items()},
            tools={name: tool_from_data(tool) for name, tool in data["tools"].items()},
            config=_read_attrs(data["config"]),
            hints=_read_attrs(data.get("hints", {})),
            sources=tuple(data.get("sources", ())),
        )
    except (KeyError, TypeError, AttributeError, IndexError) as error:
        raise ValueError(f"not the data of a graph: {error!r}") from error


def _function(function: Function, places: bool) -> dict[str, Any]:
    data: dict[str, Any] = {
        "kind": function.kind,
        "name": function.name,
        "params": [_param(p) for p in function.params],
        "result": None if function.result is None else type_data.to_data(function.result),
        "attrs": _attrs(function.attrs),
        "doc": function.doc,
        "ops": _ops(function.body.ops, places),
    }
    if places and function.span is not None:
        data["loc"] = _place(function.span)
    return data


def _read_function(data: Mapping[str, Any]) -> Function:
    values: dict[str, Value] = {}
    params = tuple(_read_param(p, values) for p in data["params"])
    return Function(
        kind=data["kind"],
        name=data["name"],
        params=params,
        result=None if data["result"] is None else type_data.from_data(data["result"]),
        attrs=_read_attrs(data["attrs"]),
        doc=data["doc"],
        body=Region(ops=_read_ops(data["ops"], values)),
        span=_read_place(data["loc"]) if "loc" in data else None,
    )


def _param(param: Param) -> dict[str, Any]:
    data: dict[str, Any] = {"name": param.name, "type": type_data.to_data(param.type)}
    if param.default is not types.MISSING:
        data["default"] = param.default
    return data | {"value": _type(param.value.type)}


def _read_param(data: Mapping[str, Any], values: dict[str, Value]) -> Param:
    value = _define((data["name"], data["value"]), values)
    default = data.get("default", types.MISSING)
    return Param(value=value, type=type_data.from_data(data["type"]), default=default)


def _ops(ops: tuple[Op, ...], places: bool) -> list[dict[str, Any]]:
    return [_op(op, f"{op.name}#{index}", places) for index, op in enumerate(ops)]


def _op(op: Op, ordinal: str, places: bool) -> dict[str, Any]:
    data: dict[str, Any] = {"op": op.name}
    if places:
        data["id"] = op.results[0].name if op.results else ordinal
    data |= {
        "res": [[value.name, _type(value.type)] for value in op.results],
        "args": [_operand(arg) for arg in op.args],
    }
    if op.kwargs:
        data["kwargs"] = [[key, _operand(arg)] for key, arg in op.kwargs]
    if op.attrs:
        data["attrs"] = _attrs(op.attrs)
    if op.regions:
        data["regions"] = [_region(region, places) for region in op.regions]
    if places and op.span is not None:
        data["loc"] = _place(op.span)
    if places and op.origins:
        data["meta"] = {"from": [_place(origin) for origin in op.origins]}
    return data


def _read_ops(items: list[Mapping[str, Any]], values: dict[str, Value]) -> tuple[Op, ...]:
    return tuple(_read_op(item, values) for item in items)


def _read_op(data: Mapping[str, Any], values: dict[str, Value]) -> Op:
    args = tuple(_read_operand(arg, values) for arg in data["args"])
    kwargs = tuple((key, _read_operand(arg, values)) for key, arg in data.get("kwargs", ()))
    regions = tuple(_read_region(region, values) for region in data.get("regions", ()))
    return Op(
        name=data["op"],
        results=tuple(_define(pair, values) for pair in data["res"]),
        args=args,
        kwargs=kwargs,
        attrs=_read_attrs(data.get("attrs", {})),
        regions=regions,
        span=_read_place(data["loc"]) if "loc" in data else None,
        origins=tuple(map(_read_place, data.get("meta", {}).get("from", ()))),
    )


def _region(region: Region, places: bool) -> dict[str, Any]:
    return {
        "label": region.label,
        "case": list(region.case),
        "params": [[value.name, _type(value.type)] for value in region.params],
        "ops": _ops(region.ops, places),
    }


def _read_region(data: Mapping[str, Any], values: dict[str, Value]) -> Region:
    return Region(
        label=data["label"],
        case=tuple(data["case"]),
        params=tuple(_define(pair, values) for pair in data["params"]),
        ops=_read_ops(data["ops"], values),
    )


def _define(pair: Any, values: dict[str, Value]) -> Value:
    name, type_ = pair
    values[name] = Value(name, _read_type(type_))
    return values[name]


def _operand(operand: Operand) -> Any:
    if isinstance(operand, tuple):
        return [_operand(item) for item in operand]
    if isinstance(operand, Value):
        return str(operand)
    return _attr(operand.value if isinstance(operand, Literal) else operand)


def _read_operand(data: Any, values: Mapping[str, Value]) -> Operand:
    if isinstance(data, list):
        return tuple(_read_operand(item, values) for item in data)
    if isinstance(data, str) and data.startswith("%"):
        if data[1:] not in values:
            raise ValueError(f"value {data} is read before it is defined")
        return values[data[1:]]
    value = _read_attr(data)
    if isinstance(value, Symbol):
        return value
    assert not isinstance(value, tuple)  # lists were taken apart above
    return Literal(value)


def _attr(value: AttrValue) -> Any:
    if isinstance(value, tuple):
        return [_attr(item) for item in value]
    if isinstance(value, Symbol):
        return str(value)
    return "\\" + value if isinstance(value, str) and value.startswith(("%", "@", "\\")) else value


def _read_attr(data: Any) -> AttrValue:
    if isinstance(data, list):
        return tuple(_read_attr(item) for item in data)
    if isinstance(data, str):
        if data.startswith("@"):
            return Symbol(data[1:])
        return data.removeprefix("\\")
    if data is None or isinstance(data, bool | int | float):
        return data
    raise ValueError(f"not an attribute: {data!r}")


def _attrs(attrs: Mapping[str, AttrValue]) -> dict[str, Any]:
    return {key: _attr(value) for key, value in attrs.items()}


def _read_attrs(data: Mapping[str, Any]) -> dict[str, AttrValue]:
    return {key: _read_attr(value) for key, value in data.items()}


def _type(type_: ValueType) -> Any:
    """A type by its name alone when that says all, else as a record."""
    data: dict[str, Any] = {"name": type_.name}
    if type_.args:
        data["args"] = [_type(arg) for arg in type_.args]
    if type_.name == "record":
        data["fields"] = [[key, _type(value)] for key, value in type_.fields]
    if type_.literals:
        data["literals"] = list(type_.literals)
    if type_.optional:
        data["optional"] = True
    return type_.name if len(data) == 1 else data


def _read_type(data: Any) -> ValueType:
    if isinstance(data, str):
        return ValueType(data)
    return ValueType(
        name=data["name"],
        args=tuple(_read_type(arg) for arg in data.get("args", ())),
        fields=tuple((key, _read_type(value)) for key, value in data.get("fields", ())),
        literals=tuple(data.get("literals", ())),
        optional=data.get("optional", False),
    )


def _place(place: Place) -> list[Any]:
    if isinstance(place, Loc):
        return [place.file, place.line, place.column]
    end = place.end_position
    return [place.file.name, place.line, place.column, end.line, end.column]


def _read_place(data: list[Any]) -> Loc:
    return Loc(data[0], data[1], data[2])
