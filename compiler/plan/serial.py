"""Plans as JSON-able data and back, exactly: ``plan_from_data(plan_to_data(p)) == p``.

Attributes may hold tuples, so every list in attribute position stands for a tuple.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sglc.compiler.plan.plan import (
    PLAN_VERSION,
    Arg,
    Block,
    Const,
    Function,
    Items,
    Loc,
    Node,
    Parameter,
    Plan,
    Ref,
    ToolSpec,
)
from sglc.constraints import type_data

Data = dict[str, Any]


def plan_to_data(plan: Plan) -> Data:
    """Return ``plan`` as data that ``json.dumps`` takes."""
    data = {
        "plan": plan.version,
        "entry": plan.entry,
        "functions": {name: _function_data(f) for name, f in plan.functions.items()},
        "constraints": {name: type_data.to_data(t) for name, t in plan.constraints.items()},
        "tools": {name: tool_to_data(tool) for name, tool in plan.tools.items()},
        "config": _mapping_data(plan.config),
    }
    return data | {"hints": _mapping_data(plan.hints)} if plan.hints else data


def plan_from_data(data: Mapping[str, Any]) -> Plan:
    """Return the plan that ``plan_to_data`` made ``data`` from.

    Raises:
        ValueError: ``data`` is no plan, or one of another version.
    """
    if data.get("plan") != PLAN_VERSION:
        raise ValueError(f"not a plan of version {PLAN_VERSION}: {data.get('plan')!r}")
    try:
        return Plan(
            functions={name: _function(f) for name, f in data["functions"].items()},
            entry=data["entry"],
            constraints={name: type_data.from_data(t) for name, t in data["constraints"].items()},
            tools={name: tool_from_data(tool) for name, tool in data["tools"].items()},
            config=_mapping(data["config"]),
            hints=_mapping(data.get("hints", {})),
        )
    except (KeyError, TypeError, AttributeError, IndexError) as error:
        raise ValueError(f"not a plan: {type(error).__name__}: {error}") from None


def _function_data(function: Function) -> Data:
    return {
        "kind": function.kind,
        "name": function.name,
        "params": [_parameter_data(p) for p in function.params],
        "result": None if function.result is None else type_data.to_data(function.result),
        "body": _block_data(function.body),
        "num_values": function.num_values,
        "doc": function.doc,
    }


def _function(data: Data) -> Function:
    return Function(
        kind=data["kind"],
        name=data["name"],
        params=tuple(_parameter(p) for p in data["params"]),
        result=None if data["result"] is None else type_data.from_data(data["result"]),
        body=_block(data["body"]),
        num_values=data["num_values"],
        doc=data["doc"],
    )


def _parameter_data(parameter: Parameter) -> Data:
    data = {
        "name": parameter.name,
        "value": parameter.value,
        "type": type_data.to_data(parameter.type),
    }
    return data | {"default": parameter.default} if parameter.has_default else data


def _parameter(data: Data) -> Parameter:
    return Parameter(
        name=data["name"],
        value=data["value"],
        type=type_data.from_data(data["type"]),
        has_default="default" in data,
        default=data.get("default"),
    )


def tool_to_data(tool: ToolSpec) -> Data:
    """Return a tool as JSON's types; the graph writes its tools so too."""
    return {
        "name": tool.name,
        "params": [[name, type_data.to_data(t)] for name, t in tool.params],
        "result": type_data.to_data(tool.result),
        "source": tool.source,
        "effect": tool.effect,
        "timeout_s": tool.timeout_s,
        "retries": tool.retries,
        "required": list(tool.required),
    }


def tool_from_data(data: Data) -> ToolSpec:
    """Return the tool that ``tool_to_data`` was given."""
    return ToolSpec(
        name=data["name"],
        params=tuple((name, type_data.from_data(t)) for name, t in data["params"]),
        result=type_data.from_data(data["result"]),
        source=data["source"],
        effect=data["effect"],
        timeout_s=data["timeout_s"],
        retries=data["retries"],
        required=tuple(data["required"]),
    )


def _block_data(block: Block) -> Data:
    return {
        "label": block.label,
        "case": list(block.case),
        "params": list(block.params),
        "nodes": [_node_data(node) for node in block.nodes],
    }


def _block(data: Data) -> Block:
    return Block(
        label=data["label"],
        case=tuple(data["case"]),
        params=tuple(data["params"]),
        nodes=tuple(_node(node) for node in data["nodes"]),
    )


def _node_data(node: Node) -> Data:
    """Parts that are empty are left out: most of them are."""
    data: Data = {"id": node.id, "op": node.op}
    if node.args:
        data["args"] = [_arg_data(arg) for arg in node.args]
    if node.kwargs:
        data["kwargs"] = [[key, _arg_data(arg)] for key, arg in node.kwargs]
    if node.attrs:
        data["attrs"] = _mapping_data(node.attrs)
    if node.blocks:
        data["blocks"] = [_block_data(block) for block in node.blocks]
    for name in ("outputs", "needs", "after"):
        if getattr(node, name):
            data[name] = list(getattr(node, name))
    if node.may_exit:
        data["may_exit"] = True
    if node.loc is not None:
        data["loc"] = [node.loc.file, node.loc.line, node.loc.column]
    return data


def _node(data: Data) -> Node:
    return Node(
        id=data["id"],
        op=data["op"],
        args=tuple(_arg(arg) for arg in data.get("args", ())),
        kwargs=tuple((key, _arg(arg)) for key, arg in data.get("kwargs", ())),
        outputs=tuple(data.get("outputs", ())),
        attrs=_mapping(data.get("attrs", {})),
        blocks=tuple(_block(block) for block in data.get("blocks", ())),
        needs=tuple(data.get("needs", ())),
        after=tuple(data.get("after", ())),
        may_exit=data.get("may_exit", False),
        loc=Loc(*data["loc"]) if "loc" in data else None,
    )


def _arg_data(arg: Arg) -> Data | list[Any]:
    match arg:
        case Ref(value_id):
            return {"ref": value_id}
        case Const(value):
            return {"const": value}
        case Items(items):
            return [_arg_data(item) for item in items]


def _arg(data: Data | list[Any]) -> Arg:
    if isinstance(data, list):
        return Items(tuple(_arg(item) for item in data))
    if "ref" in data:
        return Ref(data["ref"])
    return Const(data["const"])


def _mapping_data(mapping: Mapping[str, Any]) -> Data:
    return {key: _thaw(value) for key, value in mapping.items()}


def _mapping(data: Data) -> Data:
    return {key: _freeze(value) for key, value in data.items()}


def _thaw(value: Any) -> Any:
    return [_thaw(item) for item in value] if isinstance(value, tuple) else value


def _freeze(value: Any) -> Any:
    return tuple(_freeze(item) for item in value) if isinstance(value, list) else value
