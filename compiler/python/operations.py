"""What of expressions ops can give: ``peek`` says whether they can, ``pure`` emits them."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from sglc.compiler.ir.op import Operand
from sglc.compiler.ir.values import BOOL
from sglc.compiler.python.build import Frame
from sglc.compiler.python.values import Const, Data, Env, Kind, kind_of, operand_of

if TYPE_CHECKING:
    from sglc.compiler.python.expressions import Expressions

_ORDERS: Final[Mapping[type[ast.cmpop], str]] = {
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
}


class Operations:
    """The ops of expressions that mean the same there as in Python."""

    def __init__(self, expressions: Expressions) -> None:
        self.expressions = expressions

    def peek(self, frame: Frame, env: Env, node: ast.expr) -> Kind | None:
        """The kind of an expression that ops can give; None if it takes host code."""
        folded = self.expressions.folded(frame, env, node)
        if folded is not None:
            return kind_of(folded)
        match node:
            case ast.Name(id=name) if name in frame.source.locals:
                known = self.expressions.named(frame, env, node)
                is_there = isinstance(known, Const | Data) and kind_of(known) != "cell"
                return kind_of(known) if is_there else None
            case ast.Name() | ast.Attribute():
                found = self.expressions.outer(frame, node)
                return None if found is None else kind_of(found)
            case ast.Subscript(value=owner, slice=key):
                state = self.expressions.state_of(frame, env, owner)
                if state is None:
                    return None
                known = self.expressions.variable(
                    env, state, self.expressions.constant(frame, env, key), node
                )
                return kind_of(known) if isinstance(known, Const | Data) else None
            case ast.JoinedStr(values=parts):
                return "str" if all(self._is_text(frame, env, part) for part in parts) else None
            case ast.BinOp(left=left, op=ast.Add(), right=right):
                both = self.peek(frame, env, left) == self.peek(frame, env, right) == "str"
                return "str" if both else None
            case ast.Compare():
                return "bool" if self._compares(frame, env, node) else None
            case ast.BoolOp(values=values):
                return "bool" if all(self.peek(frame, env, v) == "bool" for v in values) else None
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                return "bool" if self.peek(frame, env, operand) in ("str", "int", "bool") else None
        return None

    def _is_text(self, frame: Frame, env: Env, part: ast.expr) -> bool:
        match part:
            case ast.Constant():
                return True
            case ast.FormattedValue(value=value, conversion=-1, format_spec=None):
                return self.peek(frame, env, value) == "str"
        return False

    def _compares(self, frame: Frame, env: Env, node: ast.Compare) -> bool:
        match node:
            case ast.Compare(left=left, ops=[ast.Eq() | ast.NotEq()], comparators=[right]):
                kinds = self.peek(frame, env, left), self.peek(frame, env, right)
                return kinds in (("str", "str"), ("int", "int"))
            case ast.Compare(left=left, ops=[op], comparators=[right]) if type(op) in _ORDERS:
                return self.peek(frame, env, left) == self.peek(frame, env, right) == "int"
            case ast.Compare(
                left=left,
                ops=[ast.In() | ast.NotIn()],
                comparators=[ast.Tuple(elts=elts) | ast.List(elts=elts) | ast.Set(elts=elts)],
            ):
                return all(self.peek(frame, env, each) == "str" for each in (left, *elts))
        return False

    def pure(self, frame: Frame, env: Env, node: ast.expr) -> Const | Data:
        """Emit the ops of an expression that ``peek`` accepts."""
        folded = self.expressions.folded(frame, env, node)
        if folded is not None:
            return folded
        one = self.expressions.build.function.one
        match node:
            case ast.Name(id=name) if name in frame.source.locals:
                known = self.expressions.named(frame, env, node)
            case ast.Name() | ast.Attribute():
                outer = self.expressions.outer(frame, node)
                assert outer is not None
                known = outer
            case ast.Subscript(value=owner, slice=key):
                state = self.expressions.state_of(frame, env, owner)
                assert state is not None
                known = self.expressions.variable(
                    env, state, self.expressions.constant(frame, env, key), node
                )
            case ast.JoinedStr(values=parts):
                texts = [self._part(frame, env, part) for part in parts]
                return Data(one("concat", *texts, hint="text"), "str")
            case ast.BinOp(left=left, right=right):
                sides = [operand_of(self.pure(frame, env, each)) for each in (left, right)]
                return Data(one("concat", *sides, hint="text"), "str")
            case ast.Compare():
                return Data(self._compare(frame, env, node), "bool")
            case ast.BoolOp(op=op, values=values):
                name = "and" if isinstance(op, ast.And) else "or"
                first, *rest = [operand_of(self.pure(frame, env, value)) for value in values]
                for each in rest:
                    first = one(name, first, each, types=BOOL)
                known = Data(first, "bool")  # type: ignore[arg-type]  # there are two at least
            case ast.UnaryOp(operand=operand):
                given = operand_of(self.pure(frame, env, operand))
                return Data(one("negate", given, types=BOOL), "bool")
            case _:
                raise AssertionError("no op gives this")
        assert isinstance(known, Const | Data)
        return known

    def _part(self, frame: Frame, env: Env, part: ast.expr) -> Operand:
        if isinstance(part, ast.FormattedValue):
            return operand_of(self.pure(frame, env, part.value))
        return operand_of(self.pure(frame, env, part))

    def _compare(self, frame: Frame, env: Env, node: ast.Compare) -> Any:
        one = self.expressions.build.function.one
        left, right = operand_of(self.pure(frame, env, node.left)), node.comparators[0]
        negated = isinstance(node.ops[0], ast.NotEq | ast.NotIn)
        sign = _ORDERS.get(type(node.ops[0]), "!=" if negated else "==")
        if not isinstance(node.ops[0], ast.In | ast.NotIn):
            return one("cmp", left, operand_of(self.pure(frame, env, right)), op=sign)
        assert isinstance(right, ast.Tuple | ast.List | ast.Set)
        items = [operand_of(self.pure(frame, env, each)) for each in right.elts]
        found = one("in", left, items)
        return one("negate", found, types=BOOL) if negated else found
