"""Reads the textual form of a module. The only part of the graph that needs lark."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from importlib import resources
from typing import Any

from lark import Lark, Token, Tree
from lark.exceptions import UnexpectedInput

from sglc.compiler.ir import values as v
from sglc.compiler.ir.graph import Function, Module, Param, ToolDecl
from sglc.compiler.ir.notation import make_type
from sglc.compiler.ir.op import AttrValue, Literal, Op, Operand, Region, Symbol, Value
from sglc.compiler.ir.ops import OPS
from sglc.compiler.ir.values import ANY, EFFECT, ValueType
from sglc.compiler.plan.plan import Loc, Scalar
from sglc.constraints import types as t

Node = Tree[Token] | Token | None
_CONSTANTS: dict[str, Scalar] = {"none": None, "true": True, "false": False}


class IrSyntaxError(ValueError):
    """Text that is not a module. Lines and columns start at 1."""

    def __init__(self, reason: str, line: int, column: int) -> None:
        super().__init__(f"{line}:{column}: {reason}")
        self.reason = reason
        self.line = line
        self.column = column


def parse_module(text: str) -> Module:
    """Read a module; it may still break the rules of the verifier.

    Raises:
        IrSyntaxError: it is not in the textual form, or reads a value before it is defined.
    """
    try:
        tree = _parser().parse(text if text.endswith("\n") else text + "\n")
    except UnexpectedInput as error:
        found = getattr(error, "token", None)
        shown = f"unexpected {str(found)!r}" if found else "unexpected text"
        raise IrSyntaxError(shown, error.line, error.column) from None
    return _module(tree)


@cache
def _parser() -> Lark:
    grammar = resources.files("sglc.grammar").joinpath("ir.lark").read_text(encoding="utf-8")
    return Lark(grammar, parser="lalr", propagate_positions=True, maybe_placeholders=True)


def _module(tree: Tree[Token]) -> Module:
    items = [child for child in tree.children if isinstance(child, Tree)]
    sources = tuple(
        _scalar_text(name) for item in items if item.data == "source" for name in _trees(item)
    )
    functions: dict[str, Function] = {}
    constraints: dict[str, t.Type] = {}
    tools: dict[str, ToolDecl] = {}
    config: dict[str, AttrValue] = {}
    hints: dict[str, AttrValue] = {}
    for item in items:
        match item.data, item.children:
            case "config", [attrs]:
                config |= _attrs(attrs)
            case "hints", [attrs]:
                hints |= _attrs(attrs)
            case "constraint", [symbol, type_]:
                constraints[_symbol(symbol)] = _type(type_)
            case "tool", [_, symbol, params, result, attrs]:
                tools[_symbol(symbol)] = _tool(_symbol(symbol), params, result, attrs)
            case "func", _:
                function = _FunctionReader(sources[0] if sources else "").read(item)
                if function.name in functions:
                    raise _error(item, f"duplicate function @{function.name}")
                functions[function.name] = function
    return Module(
        functions=functions, constraints=constraints, tools=tools, config=config, hints=hints,
        sources=sources,
    )  # fmt: skip


class _FunctionReader:
    def __init__(self, source: str) -> None:
        self.source = source
        self.values: dict[str, Value] = {}

    def read(self, tree: Tree[Token]) -> Function:
        kind, symbol, params, result, attrs, body, loc = tree.children
        read = tuple(self.param(param) for param in _trees(params))
        given = _attrs(attrs)
        doc = given.pop("doc", "")
        return Function(
            kind=str(kind),
            name=_symbol(symbol),
            params=read,
            result=_type(result.children[0]) if isinstance(result, Tree) else None,
            attrs=given,
            doc=str(doc),
            body=Region(ops=tuple(map(self.op, _children(body)))),
            span=self.place(loc),
        )

    def param(self, node: Node) -> Param:
        name, type_, default = _children(node)
        exact = _type(type_)
        value = self.define(name, v.from_type(exact))
        return Param(
            value=value, type=exact, default=t.MISSING if default is None else _data(default)
        )

    def define(self, token: Node, type_: ValueType) -> Value:
        value = Value(str(token)[1:], type_)
        self.values[value.name] = value
        return value

    def region(self, node: Node) -> Region:
        label, binds, *ops = _children(node)
        name, case = _children(label) if label is not None else ("", None)
        params = tuple(
            self.define(value, ANY if type_ is None else _value_type(type_))
            for value, type_ in map(_children, _trees(binds))
        )
        return Region(
            label=str(name),
            case=_case(case),
            params=params,
            ops=tuple(map(self.op, ops)),
        )

    def op(self, node: Node) -> Op:
        results, name, args, attrs, *rest = _children(node)
        positional = [a for a in _trees(args) if not _is(a, "named")]
        named = [_children(a) for a in _trees(args) if _is(a, "named")]
        return Op(
            name=str(name),
            args=tuple(map(self.operand, positional)),
            kwargs=tuple((_key(key), self.operand(value)) for key, value in named),
            attrs=_attrs(attrs),
            regions=tuple(map(self.region, rest[:-1])),
            results=tuple(self.results(str(name), list(map(_children, _trees(results))))),
            span=self.place(rest[-1]),
        )

    def results(self, op: str, binds: list[list[Node]]) -> Iterator[Value]:
        declared = [None if type_ is None else _value_type(type_) for _, type_ in binds]
        spec = OPS.get(op)
        effect = bool(declared) and declared[0] == EFFECT
        known = spec.default_types(len(binds), effect=effect) if spec else (None,) * len(binds)
        for (name, _), given, default in zip(binds, declared, known, strict=True):
            yield self.define(name, given or default or ANY)

    def operand(self, node: Node) -> Operand:
        if isinstance(node, Token) and node.type == "VAL":
            if node[1:] not in self.values:
                raise _error(node, f"{node} is read before it is defined")
            return self.values[node[1:]]
        if _is(node, "list"):
            return tuple(map(self.operand, _trees(node)))
        value = _attr(node)
        assert not isinstance(value, tuple)  # lists were taken apart above
        return value if isinstance(value, Symbol) else Literal(value)

    def place(self, node: Node) -> Loc | None:
        if node is None:
            return None
        place, _, column = str(node)[4:-1].rpartition(":")
        file, _, line = place.rpartition(":")
        return Loc(json.loads(file) if file else self.source, int(line), int(column))


def _tool(name: str, params: Node, result: Node, attrs: Node) -> ToolDecl:
    given: Mapping[str, Any] = _attrs(attrs)
    return ToolDecl(
        name=name,
        params=tuple((str(p[0])[1:], _type(p[1])) for p in map(_children, _trees(params))),
        result=_type(result),
        source=given.get("from"),
        effect=given.get("effect", "effectful"),
        timeout_s=given.get("timeout_s"),
        retries=given.get("retries", 0),
        required=given.get("required", ()),
    )


def _case(node: Node) -> tuple[Scalar, ...]:
    if node is None:
        return ()
    value = _attr(node)
    if isinstance(value, tuple):
        return tuple(item for item in value if not isinstance(item, tuple | Symbol))
    if isinstance(value, Symbol):
        raise _error(node, "a case is a literal")
    return (value,)


def _attrs(node: Node) -> dict[str, AttrValue]:
    return {_key(key): _attr(value) for key, value in map(_children, _trees(node))}


def _attr(node: Node) -> AttrValue:
    if _is(node, "list"):
        return tuple(map(_attr, _trees(node)))
    assert isinstance(node, Token)
    if node.type == "SYM":
        return Symbol(node[1:])
    if node.type == "VAL":
        raise _error(node, f"{node} stands where only a constant may")
    return _scalar(node)


def _type(node: Node) -> t.Type:
    options = [_single(child) for child in _children(node)]
    return options[0] if len(options) == 1 else t.Union(tuple(options))


def _single(node: Node) -> t.Type:
    assert isinstance(node, Tree)
    parts = [c for c in node.children if not _is_mark(c)]
    match node.data:
        case "literal_type":
            result: t.Type = t.Literal(_scalar_text(parts[0]))
        case "group_type":
            result = _type(parts[0])
        case "record_type":
            result = t.Record(tuple(_field(child) for child in parts if child is not None))
        case _:
            name, pattern, args, options = parts
            try:
                result = make_type(
                    str(name),
                    None if pattern is None else _scalar_text(pattern),
                    [_type(child) for child in _trees(args)],
                    {str(k): _scalar(x) for k, x in map(_children, _trees(options))},
                )
            except ValueError as error:
                raise _error(node, str(error)) from None
    for _ in range(len(node.children) - len(parts)):
        result = t.Optional(result)
    return result


def _field(node: Node) -> t.Field:
    name, type_, default = _children(node)
    return t.Field(_key(name), _type(type_), t.MISSING if default is None else _data(default))


def _value_type(node: Node) -> ValueType:
    singles = [_value_single(child) for child in _children(node)]
    return (
        singles[0]
        if len(singles) == 1
        else v.literals_of(*(text for single in singles for text in single.literals))
    )


def _value_single(node: Node) -> ValueType:
    assert isinstance(node, Tree)
    parts = [c for c in node.children if not _is_mark(c)]
    match node.data:
        case "literal_type":
            result = v.literals_of(_scalar_text(parts[0]))
        case "group_type":
            result = _value_type(parts[0])
        case "record_type":
            pairs = [_children(child) for child in parts if child is not None]
            result = ValueType(
                "record", fields=tuple((_key(pair[0]), _value_type(pair[1])) for pair in pairs)
            )
        case _:
            try:
                args = tuple(map(_value_type, _trees(parts[2])))
                result = ValueType(str(parts[0]), args)
            except ValueError as error:
                raise _error(node, str(error)) from None
    return result.as_optional() if len(parts) < len(node.children) else result


def _data(node: Node) -> Any:
    if _is(node, "data_list"):
        return [_data(child) for child in _trees(node)]
    if _is(node, "data_record"):
        return {_key(key): _data(value) for key, value in map(_children, _trees(node))}
    return _scalar(node)


def _scalar(node: Node) -> Scalar:
    assert isinstance(node, Token)
    if node.type == "STR":
        return _scalar_text(node)
    if node.type == "LIT":
        return _CONSTANTS[node]
    return int(node) if node.lstrip("-").isdigit() else float(node)


def _scalar_text(node: Node) -> str:
    assert isinstance(node, Token)
    try:
        return str(json.loads(node, strict=False))
    except ValueError as error:
        raise _error(node, f"bad text: {error}") from None


def _key(node: Node) -> str:
    assert isinstance(node, Token)
    return _scalar_text(node) if node.type == "STR" else str(node)


def _symbol(node: Node) -> str:
    return str(node)[1:]


def _children(node: Node) -> list[Node]:
    assert isinstance(node, Tree)
    return list(node.children)


def _trees(node: Node) -> Iterable[Node]:
    """The children of an optional part that are there."""
    return [c for c in node.children if c is not None] if isinstance(node, Tree) else []


def _is(node: Node, rule: str) -> bool:
    return isinstance(node, Tree) and node.data == rule


def _is_mark(node: Node) -> bool:
    return isinstance(node, Token) and node.type == "OPT"


def _error(node: Node, reason: str) -> IrSyntaxError:
    if isinstance(node, Token):
        return IrSyntaxError(reason, node.line or 0, node.column or 0)
    meta = node.meta if node is not None else None
    return IrSyntaxError(reason, getattr(meta, "line", 0), getattr(meta, "column", 0))
