"""What an expression means as a type."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sglc.compiler.diagnostics import codes
from sglc.compiler.frontend import ast
from sglc.compiler.frontend.sema import faults, formaltypes, patterns
from sglc.compiler.frontend.sema.program import (
    Broken,
    Entity,
    Module,
    Namespace,
    Program,
    TypeEntity,
)
from sglc.compiler.frontend.sema.types import ANY, options_of
from sglc.compiler.plan.arguments import mismatch
from sglc.constraints import types as t

SIMPLE: dict[str, t.Type] = {
    "str": t.Str(),
    "line": t.Line(),
    "word": t.Word(),
    "int": t.Int(),
    "number": t.Number(),
    "bool": t.Bool(),
    "json": t.Json(),
    "image": t.Image(),
    "video": t.Video(),
    "none": t.NoneType(),
}
TYPE_NAMES = frozenset(SIMPLE) | {"list", "one_of"} | formaltypes.NAMES
_KNOWN_AS = {
    "string": "str",
    "text": "str",
    "integer": "int",
    "float": "number",
    "double": "number",
    "boolean": "bool",
    "array": "list",
    "dict": "json",
    "object": "json",
    "any": "json",
}
_NEVER = t.Union(())
_MAX_EXPANSION = 4096

Evaluate = Callable[[ast.Expr], tuple[bool, Any]]


class TypeReader:
    """Reads the type expressions of one module; every mistake is reported once."""

    def __init__(self, program: Program, module: Module, evaluate: Evaluate) -> None:
        self._program = program
        self._module = module
        self._evaluate = evaluate
        self._size = 0

    def read(self, expr: ast.Expr) -> t.Type | None:
        """Return the type that ``expr`` means, or None after reporting why it means none."""
        match expr:
            case ast.Var(name=name):
                return self._named(name, expr)
            case ast.Attr(value=ast.Var(name=owner), name=name):
                return self._member(owner, name, expr)
            case ast.NoneLiteral():
                return t.NoneType()
            case ast.Text():
                return self._literal(expr)
            case ast.Regex():
                pattern = self.pattern(expr)
                return None if pattern is None else t.Regex(pattern)
            case ast.Union(options=options):
                return self._union(options)
            case ast.OptionalMark(value=value):
                inner = self.read(value)
                return None if inner is None else _optional(inner)
            case ast.Record(pairs=pairs):
                return self._record(pairs)
            case ast.Index(value=ast.Var(name="list"), index=index):
                item = self.read(index)
                return None if item is None else _list(item)
            case ast.Call():
                return self._call(expr)
        self._program.report(faults.not_a_type(expr.span))
        return None

    def read_or_any(self, expr: ast.Expr) -> t.Type:
        return self.read(expr) or ANY

    def pattern(self, expr: ast.Regex) -> str | None:
        """Return the pattern of a regex with the named ones put in, checked to be regular."""
        return patterns.compose(self._program, expr, self._inserted)

    def resolve(self, entity: TypeEntity) -> t.Type | None:
        """Return the type a declaration gives to a name."""
        if entity.done:
            return entity.type
        if entity.busy:
            entity.recursive = True
            if entity.depth is None or entity.busy >= entity.depth:
                return _NEVER
        entity.busy += 1
        if entity.busy == 1:
            self._size = 0
            entity.depth = self._depth(entity.decl)
        type_ = self._declared(entity.decl)
        entity.busy -= 1
        if entity.busy:
            return type_
        if (entity.recursive and entity.depth is None) or (type_ is not None and _is_never(type_)):
            self._program.report(faults.recursive_type(entity.decl.name.span, entity.name))
            type_ = None
        entity.type, entity.done = type_, True
        return type_

    def _declared(self, decl: ast.TypeAlias | ast.TypeRecord) -> t.Type | None:
        if isinstance(decl, ast.TypeAlias):
            return self.read(decl.value)
        fields: list[t.Field] = []
        failed = False
        seen: set[str] = set()
        for item in decl.fields:
            type_ = self.read(item.type)
            if item.name.value in seen:
                self._program.report(codes.duplicate_name(item.name.span, item.name.value, None))
                continue
            seen.add(item.name.value)
            if type_ is None:
                failed = True
                continue
            default: Any = t.MISSING
            if item.default is not None:
                known, default = self._evaluate(item.default)
                reason = mismatch(type_, default) if known else None
                if reason is not None:
                    self._program.report(
                        faults.bad_value(item.default.span, item.name.value, reason)
                    )
                if not known or reason is not None:
                    default = t.MISSING
            fields.append(t.Field(item.name.value, type_, default))
        return None if failed else t.Record(tuple(fields))

    def _depth(self, decl: ast.TypeAlias | ast.TypeRecord) -> int | None:
        for deco in decl.decorators:
            if deco.name.value == "depth" and len(deco.args) == 1 and not deco.kwargs:
                known, value = self._evaluate(deco.args[0])
                if known and isinstance(value, int) and 1 <= value <= 16:
                    return value
                if known:
                    self._program.report(
                        faults.bad_value(deco.args[0].span, "depth", "must be 1 to 16")
                    )
                return 1
        return None

    def _named(self, name: str, expr: ast.Var) -> t.Type | None:
        entity = self._module.names.get(name)
        if entity is not None:
            return self._entity(entity, expr)
        if name in SIMPLE:
            return SIMPLE[name]
        if name == "list":
            self._program.report(faults.not_a_type(expr.span, "write `list[T]`"))
            return None
        if name == "one_of" or name in formaltypes.NAMES:
            argument = "choices" if name == "one_of" else "text"
            self._program.report(faults.not_a_type(expr.span, f"write `{name}({argument})`"))
            return None
        types = [n for n, e in self._module.names.items() if isinstance(e, TypeEntity)]
        self._program.report(
            faults.undefined_type(
                expr.span, name, [*types, *sorted(TYPE_NAMES)], _KNOWN_AS.get(name)
            )
        )
        return None

    def _member(self, owner: str, name: ast.Name, expr: ast.Attr) -> t.Type | None:
        space = self._module.names.get(owner)
        if isinstance(space, Namespace):
            space.used = True
            if space.names is None:
                return None
            if name.value in space.names:
                return self._entity(space.names[name.value], expr)
            self._program.report(codes.unknown_import(name.span, owner, name.value, space.names))
            return None
        self._program.report(faults.not_a_type(expr.span))
        return None

    def _entity(self, entity: Entity, expr: ast.Expr) -> t.Type | None:
        entity.used = True
        if isinstance(entity, TypeEntity):
            if entity.module is self._module or entity.module is None:
                return self._sized(self.resolve(entity), expr)
            return TypeReader(self._program, entity.module, self._evaluate).resolve(entity)
        if not isinstance(entity, Broken):
            self._program.report(faults.not_a_type(expr.span))
        return None

    def _sized(self, type_: t.Type | None, expr: ast.Expr) -> t.Type | None:
        self._size += 1
        if self._size == _MAX_EXPANSION:
            self._program.report(faults.type_too_large(expr.span))
        return None if self._size >= _MAX_EXPANSION else type_

    def _literal(self, expr: ast.Text) -> t.Type | None:
        value = expr.value
        if value is None:
            self._program.report(faults.not_a_type(expr.span, "a literal type has no holes"))
            return None
        return t.Literal(value)

    def _union(self, options: tuple[ast.Expr, ...]) -> t.Type | None:
        read = [self.read(option) for option in options]
        types = [type_ for type_ in read if type_ is not None and not _is_never(type_)]
        if any(type_ is None for type_ in read):
            return None
        flat = tuple(o for type_ in types for o in options_of(type_))
        values = tuple(dict.fromkeys(o for o in flat if not isinstance(o, t.NoneType)))
        if not values:
            return t.NoneType() if flat else _NEVER
        whole = values[0] if len(values) == 1 else t.Union(values)
        return t.Optional(whole) if any(isinstance(o, t.NoneType) for o in flat) else whole

    def _record(self, pairs: tuple[ast.Pair, ...]) -> t.Type | None:
        fields: dict[str, t.Field] = {}
        failed = False
        for pair in pairs:
            name = pair.key.value
            type_ = self.read(pair.value)
            if name in fields:
                self._program.report(codes.duplicate_name(pair.key.span, name, None))
            if type_ is None:
                failed = True
            else:
                fields[name] = t.Field(name, type_)
        return None if failed else t.Record(tuple(fields.values()))

    def _call(self, call: ast.Call) -> t.Type | None:
        match call.callee:
            case ast.Var(name=name) if name not in self._module.names:
                pass
            case ast.Index(value=ast.Var(name="list"), index=index):
                item = self.read(index)
                bounds = self._bounds(call, ("min", "max"))
                if item is None or bounds is None:
                    return None
                return _list(item, bounds.get("min", 0), bounds.get("max"))
            case _:
                self._program.report(faults.not_a_type(call.span))
                return None
        match name:
            case "str":
                return self._str(call)
            case "int":
                return self._int(call)
            case "number":
                known = self._bounds(call, ("digits", "decimals"))
                return None if known is None else t.Number(**known)
            case "json":
                known = self._bounds(call, ("depth",))
                return None if known is None else t.Json(**known)
            case "one_of":
                return t.OneOf()
            case "grammar" | "schema":
                return formaltypes.read(self._program, call, name, self._evaluate)
        if name in SIMPLE:
            self._program.report(faults.not_a_type(call.span, f"`{name}` takes no options"))
        else:
            self._named(name, call.callee)
        return None

    def _str(self, call: ast.Call) -> t.Type | None:
        chars: str | None = None
        failed = False
        for kwarg in call.kwargs:
            if kwarg.name.value == "chars":
                if not isinstance(kwarg.value, ast.Regex):
                    self._program.report(
                        faults.not_a_type(kwarg.value.span, "`chars` is a regex of one character")
                    )
                    failed = True
                    continue
                chars = self.pattern(kwarg.value)
                if chars is None:
                    failed = True
                elif not patterns.matches_one_character(chars):
                    self._program.report(
                        faults.not_a_type(kwarg.value.span, "`chars` is a regex of one character")
                    )
                    failed = True
        known = self._bounds(call, ("min", "max"), skip=("chars",))
        return None if known is None or failed else t.Str(**known, chars=chars)

    def _int(self, call: ast.Call) -> t.Type | None:
        if len(call.args) == 1 and not call.kwargs and isinstance(call.args[0], ast.Range):
            lo = self._integer(call.args[0].first, "the lower bound")
            hi = self._integer(call.args[0].last, "the upper bound")
            return None if lo is None or hi is None else t.Int(lo, hi)
        known = self._bounds(call, ("min", "max"), signed=True)
        return None if known is None else t.Int(known.get("min"), known.get("max"))

    def _bounds(
        self,
        call: ast.Call,
        names: tuple[str, ...],
        *,
        skip: tuple[str, ...] = (),
        signed: bool = False,
    ) -> dict[str, int] | None:
        """Return the integer options of a type, or None after reporting a mistake."""
        failed = False
        for arg in call.args:
            self._program.report(
                faults.not_a_type(arg.span, "options are named: " + ", ".join((*names, *skip)))
            )
            failed = True
        values: dict[str, int] = {}
        for kwarg in call.kwargs:
            name = kwarg.name.value
            if name in skip:
                continue
            if name not in names:
                self._program.report(
                    codes.unknown_option(kwarg.name.span, name, "this type", (*names, *skip))
                )
                failed = True
                continue
            value = self._integer(kwarg.value, f"`{name}`")
            if value is None:
                failed = True
            elif value < 0 and not signed:
                self._program.report(
                    faults.bad_value(kwarg.value.span, name, "must not be negative")
                )
                failed = True
            else:
                values[name] = value
        return None if failed else values

    def _integer(self, expr: ast.Expr, what: str) -> int | None:
        known, value = self._evaluate(expr)
        if not known:
            return None
        if isinstance(value, int) and not isinstance(value, bool):
            return value
        self._program.report(faults.bad_value(expr.span, what, "must be an integer"))
        return None

    def _inserted(self, name: str) -> tuple[bool, str | None]:
        entity = self._module.names.get(name)
        if not isinstance(entity, TypeEntity):
            return False, None
        entity.used = True
        return True, patterns.of_type(self.resolve(entity))


def _optional(inner: t.Type) -> t.Type:
    return inner if isinstance(inner, t.Optional | t.NoneType) else t.Optional(inner)


def _list(item: t.Type, low: int = 0, high: int | None = None) -> t.Type:
    """A list; of a type that is cut off by ``@depth`` it can only be empty."""
    if _is_never(item):
        return t.List(t.Str(), 0, 0) if low == 0 else _NEVER
    return t.List(item, low, high)


def _is_never(type_: t.Type) -> bool:
    match type_:
        case t.Union(options=()):
            return True
        case t.Record(fields=fields):
            return any(_is_never(field.type) for field in fields)
    return False
