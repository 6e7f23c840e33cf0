"""Reads of states inside of host code: each becomes an operand, the rest stays Python."""

from __future__ import annotations

import ast
import copy
import itertools
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from sglc.compiler.ir.op import Operand
from sglc.compiler.python.build import Frame
from sglc.compiler.python.items import items_of, targets_of
from sglc.compiler.python.reasons import Unsupported
from sglc.compiler.python.scope import bound_in, free_names
from sglc.compiler.python.values import (
    Const,
    Data,
    Env,
    GroupRef,
    Items,
    Known,
    Lost,
    Pieces,
    StateRef,
    operand_of,
)

if TYPE_CHECKING:
    from sglc.compiler.python.expressions import Expressions

_UNTIL: Final = ((any, ast.Or()), (all, ast.And()))
"""They take only what they need."""
ESCAPES: Final = "SGL0903"


class Reads(ast.NodeTransformer):
    """Replaces what is read of states by names; ``operands`` says which values these have.

    ``bound`` are names of comprehensions that are written out, ``hidden`` those of others.
    """

    def __init__(self, expressions: Expressions, frame: Frame, env: Env) -> None:
        self.expressions = expressions
        self.frame = frame
        self.env = env
        self.operands: dict[str, Operand] = {}
        self.bound: dict[str, Known] = {}
        self.hidden: frozenset[str] = frozenset()

    def operand(self, node: ast.AST, operand: Operand) -> ast.expr:
        """The name, in the place of a node, that host code has for a value of the graph."""
        numbers = itertools.count(len(self.operands))
        name = next(n for n in map("_v{}".format, numbers) if not self._is_taken(n))
        self.operands[name] = operand
        return ast.copy_location(ast.Name(name, ast.Load()), node)

    def _is_taken(self, name: str) -> bool:
        code = self.frame.source.func.__code__
        known = self.frame.source.locals.union(code.co_names, code.co_freevars, self.operands)
        return name in known

    def given(self, node: ast.AST, known: Known) -> ast.expr:
        """The expression that stands for a value in host code."""
        if isinstance(known, Const):
            return ast.copy_location(ast.Constant(known.value), node)
        if isinstance(known, Items):
            items = [self.given(node, item) for item in known.items]
            return ast.copy_location(ast.List(items, ast.Load()), node)
        return self.operand(node, operand_of(known))

    def visit_Name(self, node: ast.Name) -> ast.expr:
        """Keep a name, unless its value is written out; one of a state may not be here."""
        if node.id in self.hidden:
            return node
        if node.id in self.bound:
            known: Known | None = self.bound[node.id]
        else:
            known = self.expressions.local(self.frame, self.env, node.id)
        match known:
            case StateRef() | GroupRef():
                raise Unsupported("the state goes where it cannot be followed", node, ESCAPES)
            case Pieces():
                raise Unsupported("host code uses what is to be appended", node)
        if node.id in self.bound and known is not None:
            return self.given(node, known)
        return node

    def visit_Subscript(self, node: ast.Subscript) -> Any:
        """``s["x"]``."""
        state = self.expressions.state_of(self.frame, self.env, node.value, self.bound)
        if state is not None and isinstance(node.ctx, ast.Load):
            return self.given(node, self.variable(state, node.slice, node))
        if state is not None:
            raise Unsupported("a variable of the state is set", node)
        return self.generic_visit(node)

    def variable(self, state: int, name: ast.expr, node: ast.AST) -> Known:
        """What a state calls by a name that is known."""
        key = self.expressions.constant(self.frame, self.env, name, self.bound)
        known = self.expressions.variable(self.env, state, key, node)
        self.expressions.build.note_read(known, str(key))
        return known

    def visit_Call(self, node: ast.Call) -> Any:
        """Methods of states, ``len`` of forks, and calls that take all items of a generator."""
        match node:
            case ast.Call(func=ast.Attribute(value=owner, attr=attr), args=args, keywords=[]):
                state = self.expressions.state_of(self.frame, self.env, owner, self.bound)
                if state is not None:
                    return self.method(node, state, attr, args)
            case ast.Call(func=ast.Name(id="len"), args=[arg], keywords=[]):
                group = self.expressions.group_of(self.frame, self.env, arg)
                if group is not None and self.expressions.resolves(self.frame, node.func, len):
                    return self.given(node, Const(len(group.states)))
        match node.args:
            case [ast.GeneratorExp() as only] if not node.keywords and self.touches(only):
                if self.expressions.gathers(self.frame, self.env, node.func):
                    return self.gathered(node, only)
        return self.generic_visit(node)

    def gathered(self, node: ast.Call, only: ast.GeneratorExp) -> ast.expr:
        """A call that takes all that a generator over states gives, or as much as it needs."""
        written = self.written_out(only)
        op = next((op for f, op in _UNTIL if self.resolves(node.func, f)), None)
        if op is None:
            return ast.copy_location(ast.Call(self.visit(node.func), [written], []), node)
        asked: list[ast.expr] = [
            ast.UnaryOp(ast.Not(), ast.UnaryOp(ast.Not(), each)) for each in written.elts
        ]
        if len(asked) < 2:
            asked.append(ast.Constant(isinstance(op, ast.And)))
        return ast.copy_location(ast.BoolOp(op, asked), node)

    def resolves(self, node: ast.expr, wanted: object) -> bool:
        """Whether a name means ``wanted``."""
        return self.expressions.resolves(self.frame, node, wanted)

    def method(self, node: ast.AST, state: int, name: str, args: Sequence[ast.expr]) -> ast.expr:
        """What a method of a state gives.

        Raises:
            Unsupported: it does more than to read.
        """
        function = self.expressions.build.function
        match name, args:
            case "get_var", [key]:
                return self.given(node, self.variable(state, key, node))
            case "text", []:
                return self.operand(node, function.one("text", self.env.stream(state)))
            case "messages", []:
                return self.operand(node, function.one("messages", self.env.stream(state)))
        if name == "fork":
            raise Unsupported("a fork without a name: write `forks = s.fork(…)`", node)
        raise Unsupported(f"`{name}` of a state has no op", node)

    def visit_Compare(self, node: ast.Compare) -> Any:
        """``"x" in s``."""
        match node:
            case ast.Compare(left=left, ops=[ast.In() | ast.NotIn() as op], comparators=[right]):
                state = self.expressions.state_of(self.frame, self.env, right, self.bound)
                if state is not None:
                    key = self.expressions.constant(self.frame, self.env, left, self.bound)
                    known = self.env.get(("var", state, key))
                    if isinstance(known, Lost) or (isinstance(known, Data) and known.may_miss):
                        raise Unsupported(f"whether {key!r} is set, only the run knows", node)
                    found = known is not None
                    return self.given(node, Const(found is isinstance(op, ast.In)))
        return self.generic_visit(node)

    def visit_ListComp(self, node: ast.ListComp) -> Any:
        """A list over states, or with reads of them."""
        return self.written_out(node) if self.touches(node) else self._by_itself(node)

    def _by_itself(self, node: Any) -> Any:
        """A comprehension that reads no state: its own names are no others, whatever they are."""
        if self.touches(node):
            what = "a generator" if isinstance(node, ast.GeneratorExp) else "a set or a dict"
            raise Unsupported(f"a state is read in {what}: make a list of what is read", node)
        first = node.generators[0]
        first.iter = self.visit(first.iter)  # it is looked up outside
        before = self.bound, self.hidden
        own = bound_in(node)
        self.bound = {name: known for name, known in self.bound.items() if name not in own}
        self.hidden |= own
        for each in node.generators:
            each.iter = each.iter if each is first else self.visit(each.iter)
            each.ifs = [self.visit(test) for test in each.ifs]
        for name in ("elt", "key", "value"):
            if hasattr(node, name):
                setattr(node, name, self.visit(getattr(node, name)))
        self.bound, self.hidden = before
        return node

    visit_GeneratorExp = visit_SetComp = visit_DictComp = _by_itself

    def written_out(self, node: ast.ListComp | ast.GeneratorExp) -> ast.List:
        """A comprehension over states, or with reads, as the list of its items."""
        match node.generators:
            case [ast.comprehension(target=target, iter=over, ifs=[], is_async=0)]:
                items = items_of(self.expressions, self.frame, self.env, over, self.bound)
            case _:
                raise Unsupported("a state is read in a comprehension with conditions", node)
        if items is None:
            raise Unsupported("a state is read in a loop over values of the run", node)
        made = []
        before = self.bound, self.hidden
        self.hidden -= bound_in(node)
        for item in items:
            self.bound = {**before[0], **targets_of(target, item)}
            made.append(self.visit(copy.deepcopy(node.elt)))
        self.bound, self.hidden = before
        return ast.copy_location(ast.List(made, ast.Load()), node)

    def touches(self, node: ast.AST) -> bool:
        """Whether a state, or what is to be appended, is named in a node."""
        return self.expressions.touches(self.frame, self.env, node, self.bound)

    def _apart(self, node: Any) -> Any:
        if self.touches(node):
            raise Unsupported("an inner function uses the state", node, ESCAPES)
        for name in free_names(node):
            if name.id in self.bound:
                raise Unsupported(f"an inner function keeps `{name.id}`, which changes", node)
        return node

    visit_Lambda = visit_FunctionDef = visit_AsyncFunctionDef = visit_ClassDef = _apart
