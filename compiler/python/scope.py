"""Names in a piece of a function: which it reads and binds, and which inner functions keep."""

from __future__ import annotations

import ast
import copy
import symtable
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from sglc.compiler.python.reasons import Unsupported

_IMMEDIATE: Final = frozenset({"listcomp", "setcomp", "dictcomp"})


@dataclass(frozen=True, slots=True)
class Scope:
    """``reads``: names that are looked up outside, ``writes``: names that are bound, ``used``:
    those of them that are also read, ``kept``: names that functions keep which may run later."""

    reads: frozenset[str]
    writes: frozenset[str]
    used: frozenset[str]
    kept: frozenset[str]


def scope_of(body: Sequence[ast.stmt], global_names: Iterable[str] = ()) -> Scope:
    """Return the names of statements of a function; ``global_names`` are declared global there."""
    wrapped = ast.unparse(_function(body, global_names))
    try:
        function = symtable.symtable(wrapped, "<piece>", "exec").get_children()[0]
    except SyntaxError as error:
        raise Unsupported(f"it cannot stand by itself: {error.msg}", body[0]) from None
    reads: set[str] = set()
    writes: set[str] = set()
    used: set[str] = set()
    kept: set[str] = set()
    for symbol in function.get_symbols():
        if symbol.is_declared_global():
            continue
        if symbol.is_local():
            writes.add(symbol.get_name())
            if symbol.is_referenced():
                used.add(symbol.get_name())
        elif symbol.is_referenced() and symbol.is_global():
            reads.add(symbol.get_name())
    for inner in function.get_children():
        _inner(inner, reads, used, kept, is_kept=False)
    nodes = (node for statement in body for node in ast.walk(statement))
    used |= {n.target.id for n in nodes if isinstance(n, ast.AugAssign) and _is_name(n.target)}  # type: ignore[union-attr]  # a name
    return Scope(frozenset(reads), frozenset(writes), frozenset(used & writes), frozenset(kept))


class _Taken(ast.NodeTransformer):
    """Makes lists of generators that a call takes all of before it returns."""

    def __init__(self, takes: Callable[[ast.expr], bool]) -> None:
        self.takes = takes

    def visit_Call(self, node: ast.Call) -> ast.Call:
        self.generic_visit(node)
        match node.args:
            case [ast.GeneratorExp() as only] if not node.keywords and self.takes(node.func):
                node.args = [ast.copy_location(ast.ListComp(only.elt, only.generators), only)]
        return node


def kept_by(
    body: Sequence[ast.stmt], global_names: Iterable[str], takes: Callable[[ast.expr], bool]
) -> frozenset[str]:
    """Return the names that functions and generators keep which may run later.

    ``takes`` says whether a function takes all of a generator before it returns.
    """
    made = [_Taken(takes).visit(copy.deepcopy(node)) for node in body]
    return scope_of(made, global_names).kept


def _is_name(node: ast.expr) -> bool:
    return isinstance(node, ast.Name)


def _inner(
    table: symtable.SymbolTable, reads: set[str], used: set[str], kept: set[str], *, is_kept: bool
) -> None:
    immediate = table.get_type() == "class" or table.get_name() in _IMMEDIATE
    is_kept = is_kept or not immediate
    for symbol in table.get_symbols():
        if symbol.is_declared_global() or not symbol.is_referenced():
            continue
        if symbol.is_global():
            reads.add(symbol.get_name())
        if symbol.is_free():
            used.add(symbol.get_name())
        if is_kept and (symbol.is_global() or symbol.is_free()):
            kept.add(symbol.get_name())
    for inner in table.get_children():
        _inner(inner, reads, used, kept, is_kept=is_kept)


def _function(body: Sequence[ast.stmt], global_names: Iterable[str]) -> ast.Module:
    names = sorted(global_names)
    head: list[ast.stmt] = [ast.Global(names=names)] if names else []
    function = function_node("piece", (), [*head, *body])
    return ast.fix_missing_locations(ast.Module(body=[function], type_ignores=[]))


def function_node(name: str, params: Iterable[str], body: Sequence[ast.stmt]) -> ast.FunctionDef:
    """Return the tree of a function."""
    made = ast.parse("def piece(): pass").body[0]
    assert isinstance(made, ast.FunctionDef)
    made.name, made.body = name, list(body)
    made.args.args = [ast.arg(arg=param) for param in params]
    return made


@dataclass(frozen=True, slots=True)
class Bindings:
    """Where the names of a function are bound: ``sites[x]`` statements, and those in loops."""

    sites: Mapping[str, tuple[ast.AST, ...]]
    in_loops: frozenset[str]


def bindings_of(tree: ast.FunctionDef) -> Bindings:
    """Return where a function binds its names; parameters are bound at the function."""
    sites: dict[str, list[ast.AST]] = {}
    in_loops: set[str] = set()
    args = tree.args
    for arg in (*args.posonlyargs, *args.args, *args.kwonlyargs, args.vararg, args.kwarg):
        if arg is not None:
            sites.setdefault(arg.arg, []).append(tree)
    todo: list[tuple[ast.AST, bool]] = [(node, False) for node in tree.body]
    while todo:
        node, in_loop = todo.pop()
        for name in _bound_by(node):
            sites.setdefault(name, []).append(node)
            if in_loop:
                in_loops.add(name)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Lambda):
            continue
        in_loop = in_loop or isinstance(node, ast.For | ast.While)
        todo += ((child, in_loop) for child in ast.iter_child_nodes(node))
    return Bindings({name: tuple(found) for name, found in sites.items()}, frozenset(in_loops))


def _bound_by(node: ast.AST) -> list[str]:
    match node:
        case ast.Name(id=name, ctx=ast.Store() | ast.Del()):
            return [name]
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            return [name]
        case ast.Import(names=names) | ast.ImportFrom(names=names):
            return [(alias.asname or alias.name).partition(".")[0] for alias in names]
        case ast.ExceptHandler(name=str(name)):
            return [name]
        case ast.MatchAs(name=str(name)) | ast.MatchStar(name=str(name)):
            return [name]
        case ast.MatchMapping(rest=str(name)):
            return [name]
    return []


def bound_surely(body: Sequence[ast.stmt]) -> frozenset[str]:
    """The names that statements surely bind when they have run to their end."""
    found: set[str] = set()
    for node in body:
        match node:
            case ast.Assign(targets=targets):
                for target in targets:
                    found |= _targets(target)
            case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr()):
                found.add(name)
            case ast.AugAssign(target=ast.Name(id=name)):
                found.add(name)
            case ast.FunctionDef(name=name) | ast.ClassDef(name=name):
                found.add(name)
            case ast.AsyncFunctionDef(name=name):
                found.add(name)
            case ast.Import(names=names) | ast.ImportFrom(names=names):
                found |= {(alias.asname or alias.name).partition(".")[0] for alias in names}
            case ast.If(body=then, orelse=other):
                found |= bound_surely(then) & bound_surely(other)
            case ast.Match(cases=cases):
                if any(_is_wildcard(case) for case in cases):
                    found |= frozenset.intersection(*(bound_surely(case.body) for case in cases))
            case ast.Try(body=tried, handlers=handlers, orelse=other, finalbody=last):
                ways = [bound_surely(tried) | bound_surely(other)]
                ways += [bound_surely(each.body) for each in handlers if not _raises(each.body)]
                found |= frozenset.intersection(*ways) | bound_surely(last)
            case ast.Expr(value=value) | ast.Return(value=value) if value is not None:
                found |= _walruses(value)
    return frozenset(found)


def _raises(body: Sequence[ast.stmt]) -> bool:
    return bool(body) and isinstance(body[-1], ast.Raise)


def _is_wildcard(case: ast.match_case) -> bool:
    return case.guard is None and isinstance(case.pattern, ast.MatchAs) and not case.pattern.pattern


def _walruses(node: ast.expr) -> set[str]:
    """Names bound by an expression on its way, where that surely runs."""
    if isinstance(node, ast.NamedExpr):
        return {node.target.id, *_walruses(node.value)}
    if isinstance(node, ast.Call):
        parts = [node.func, *node.args, *(keyword.value for keyword in node.keywords)]
        return {name for part in parts for name in _walruses(part)}
    if isinstance(node, ast.BinOp):
        return _walruses(node.left) | _walruses(node.right)
    if isinstance(node, ast.Compare):
        return _walruses(node.left) | _walruses(node.comparators[0])
    if isinstance(node, ast.UnaryOp):
        return _walruses(node.operand)
    return set()


def _targets(node: ast.expr) -> set[str]:
    match node:
        case ast.Name(id=name):
            return {name}
        case ast.Tuple(elts=elts) | ast.List(elts=elts):
            return {name for each in elts for name in _targets(each)}
        case ast.Starred(value=value):
            return _targets(value)
    return set()


def escapes(node: ast.stmt) -> bool:
    """Whether a statement may leave itself: ``return``, or ``break`` of a loop around it."""
    return _escapes(node, in_loop=False)


def _escapes(node: ast.AST, *, in_loop: bool) -> bool:
    match node:
        case ast.Return():
            return True
        case ast.Break() | ast.Continue():
            return not in_loop
        case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef() | ast.Lambda():
            return False
        case ast.For(body=body, orelse=orelse) | ast.While(body=body, orelse=orelse):
            inside = any(_escapes(each, in_loop=True) for each in body)
            return inside or any(_escapes(each, in_loop=in_loop) for each in orelse)
        case ast.expr():
            return False
    return any(_escapes(child, in_loop=in_loop) for child in ast.iter_child_nodes(node))


def handled_only(body: Sequence[ast.stmt]) -> frozenset[str]:
    """The names of ``except … as x`` that are read in such handlers only."""
    found: set[str] = set()
    inside: set[int] = set()
    nodes = [node for statement in body for node in ast.walk(statement)]
    for node in nodes:
        if isinstance(node, ast.ExceptHandler) and node.name:
            found.add(node.name)
            inside |= {id(n) for n in ast.walk(node) if _is_named(n, node.name)}
    read = {n.id for n in nodes if isinstance(n, ast.Name) and id(n) not in inside}
    return frozenset(found - read)


def _is_named(node: ast.AST, name: str) -> bool:
    return isinstance(node, ast.Name) and node.id == name


def unbound_by(body: Sequence[ast.stmt]) -> frozenset[str]:
    """The names that statements may take away again: ``del x``, ``except … as x``."""
    found: set[str] = set()
    for node in (node for statement in body for node in ast.walk(statement)):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Del):
            found.add(node.id)
        elif isinstance(node, ast.ExceptHandler) and node.name:
            found.add(node.name)
    return frozenset(found)


def own_statement(text: str, place: ast.AST) -> ast.stmt:
    """A statement of the frontend's own, at the place of a node."""
    made = ast.parse(text).body[0]
    for node in ast.walk(made):
        if "lineno" in node._attributes:
            ast.copy_location(node, place)
    return made


def pattern_names(pattern: ast.pattern) -> frozenset[str]:
    """The names that a pattern binds."""
    return frozenset(name for node in ast.walk(pattern) for name in _bound_by(node))


def breaks(body: Sequence[ast.stmt]) -> bool:
    """Whether statements may break the loop that they are the body of."""
    todo: list[ast.AST] = list(body)
    while todo:
        node = todo.pop()
        if isinstance(node, ast.Break):
            return True
        if isinstance(node, ast.For | ast.While):
            todo += node.orelse
        elif not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.expr):
            todo += ast.iter_child_nodes(node)
    return False


_Comprehension = ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp
_Function = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda


def free_names(node: ast.AST) -> Iterator[ast.Name]:
    """Yield the names in a node, but for those that are of a function or a comprehension in it."""
    match node:
        case ast.Name():
            yield node
            return
        case ast.ListComp() | ast.SetComp() | ast.DictComp() | ast.GeneratorExp():
            outside: list[ast.AST] = [node.generators[0].iter]
        case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.Lambda():
            args = node.args
            outside = [*args.defaults, *(each for each in args.kw_defaults if each is not None)]
            if not isinstance(node, ast.Lambda):
                outside += node.decorator_list
        case _:
            for child in ast.iter_child_nodes(node):
                yield from free_names(child)
            return
    for each in outside:
        yield from free_names(each)
    own, first = bound_in(node), {id(each) for each in outside}
    for child in ast.iter_child_nodes(node):
        for inner in (child,) if not isinstance(child, ast.comprehension | ast.arguments) else (
            ast.iter_child_nodes(child)
        ):  # fmt: skip
            if id(inner) not in first:
                yield from (name for name in free_names(inner) if name.id not in own)


def bound_in(node: _Comprehension | _Function) -> frozenset[str]:
    """The names that belong to a function or a comprehension itself."""
    if isinstance(node, _Comprehension):
        targets = (each.target for each in node.generators)
        return frozenset(
            n.id for each in targets for n in ast.walk(each) if isinstance(n, ast.Name)
        )
    args = node.args
    every = (*args.posonlyargs, *args.args, *args.kwonlyargs, args.vararg, args.kwarg)
    found = {arg.arg for arg in every if arg is not None}
    outer: set[str] = set()
    todo: list[ast.AST] = [] if isinstance(node, ast.Lambda) else list(node.body)
    while todo:
        inner = todo.pop()
        found.update(_bound_by(inner))
        if isinstance(inner, ast.Global | ast.Nonlocal):
            outer.update(inner.names)
        if not isinstance(inner, _Function | ast.ClassDef):
            todo += ast.iter_child_nodes(inner)
    return frozenset(found - outer)
