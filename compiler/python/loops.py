"""Loops: as loops of the graph, or written out where each turn has states or names of its own."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from sglc.compiler.ir.op import Literal as IrLiteral
from sglc.compiler.ir.op import Value
from sglc.compiler.ir.values import BOOL, INT, STR, ValueType
from sglc.compiler.python.build import Build, Frame, Loop
from sglc.compiler.python.expressions import ITEM as _ITEM
from sglc.compiler.python.expressions import ITERATOR as _ITERATOR
from sglc.compiler.python.expressions import MORE as _MORE
from sglc.compiler.python.expressions import Expressions
from sglc.compiler.python.hosts import UNSET_NAME
from sglc.compiler.python.items import Item, items_of, targets_of
from sglc.compiler.python.reasons import NotConstant, Unsupported
from sglc.compiler.python.regions import MAX_TURNS, Turns, leave_turn
from sglc.compiler.python.scope import breaks, escapes, free_names, own_statement
from sglc.compiler.python.source import MISSING
from sglc.compiler.python.values import (
    Const,
    Data,
    Env,
    GroupRef,
    Kind,
    StateRef,
    kind_of,
    operand_of,
)

if TYPE_CHECKING:
    from sglc.compiler.python.statements import Statements

_MAX_TURNS_WRITTEN_OUT: Final = 64
_TYPES: Final[dict[Kind, ValueType]] = {"str": STR, "int": INT, "bool": BOOL}


class Loops:
    """Lowers ``for`` and ``while`` around states."""

    def __init__(self, build: Build, expressions: Expressions, statements: Statements) -> None:
        self.build = build
        self.expressions = expressions
        self.statements = statements

    def lower_for(self, frame: Frame, env: Env, node: ast.For) -> None:
        """Lower a ``for``."""
        if node.orelse and breaks(node.body):
            raise Unsupported("`else` of a loop around states that may break", node.orelse[0])
        self._for(frame, env, node)
        if not env.ended:
            self.statements.block(frame, env, node.orelse)

    def _for(self, frame: Frame, env: Env, node: ast.For) -> None:
        self.build.notes.note(frame.source.file, node, "lowered")
        group = self.statements.forks.fork_of(frame, env, node.iter)
        if group is not None:
            return self._written_out(frame, env, node, [StateRef(n) for n in group.states])
        items, missing = self._items(frame, env, node)
        if items is None:
            before = self._before(env)
            try:
                return self._over_values(frame, env, node)
            except NotConstant:
                if missing is None:
                    raise
                self._go_back(env, before)
                raise missing from None  # known, the loop could be written out
        if all(isinstance(item, Const) for item in items) and isinstance(node.target, ast.Name):
            kinds = {kind_of(item) for item in items if isinstance(item, Const)}
            if len(kinds) == 1 and kinds <= _TYPES.keys() and len(items) > 1:
                before = self._before(env)
                try:
                    return self._over_constants(frame, env, node, items, kinds.pop())
                except NotConstant:
                    self._go_back(env, before)
        elif any(map(escapes, node.body)) and not self._has_forks(frame, env, node.iter):
            before = self._before(env)
            try:
                return self._over_values(frame, env, node)
            except NotConstant:
                self._go_back(env, before)
        return self._written_out(frame, env, node, items)

    def _before(self, env: Env) -> Any:
        """A point to go back to."""
        return self.build.mark(), env.copy()

    def _go_back(self, env: Env, before: Any) -> None:
        mark, known = before
        self.build.rewind(mark)
        env.slots = known.slots

    def _items(
        self, frame: Frame, env: Env, node: ast.For
    ) -> tuple[list[Item] | None, NotConstant | None]:
        """The items, if they are known; else the reason why they are not, if that could change."""
        try:
            return items_of(self.expressions, frame, env, node.iter), None
        except NotConstant as error:
            if self._has_forks(frame, env, node.iter):
                raise
            is_param = frame.number == 0 and self.expressions.is_param(env, error.name)
            return None, error if is_param else None
        except Unsupported:
            if self.expressions.touches(frame, env, node.iter):
                raise
            return None, None

    def _has_forks(self, frame: Frame, env: Env, node: ast.expr) -> bool:
        """Whether a loop over an expression is one over states."""
        found = (self.expressions.local(frame, env, name.id) for name in free_names(node))
        return any(isinstance(known, GroupRef) for known in found)

    def _body(self, frame: Frame, env: Env, node: ast.For | ast.While) -> None:
        self.statements.block(frame, env, node.body)

    def _over_constants(
        self, frame: Frame, env: Env, node: ast.For, items: Sequence[Item], kind: Kind
    ) -> None:
        """A loop of the graph over a list of constants."""
        assert isinstance(node.target, ast.Name)
        name = node.target.id
        key = ("name", frame.number, name)

        def turn(inner: Env, values: Sequence[Value]) -> None:
            inner[key] = Data(values[0], kind)
            self._body(frame, inner, node)

        with self.build.at(frame, node):
            first = [operand_of(item) for item in items if isinstance(item, Const)]
            lead = [(name, _TYPES[kind])]
            Turns(self.build, env, "for", first, lead, turn, runs=True).lower()

    def _over_values(self, frame: Frame, env: Env, node: ast.For) -> None:
        """A loop over anything: Python's own iterator gives the items, one before each turn."""
        bounds = self._range(frame, env, node)
        if bounds is not None:
            self._over_range(frame, env, node, bounds)
            return
        if isinstance(node.target, ast.Attribute | ast.Subscript):
            raise Unsupported("the target of the loop is not a name", node.target)
        for built_in in (iter, next):
            name = ast.Name(built_in.__name__, ast.Load())
            if not self.expressions.resolves(frame, name, built_in):
                raise Unsupported(f"`{built_in.__name__}` means something else here", node)
        begin = own_statement(f"{_ITERATOR} = [iter(_)]", node.iter)
        match begin:
            case ast.Assign(value=ast.List(elts=[ast.Call() as call])):
                call.args = [node.iter]
        iterator = self.expressions.host(frame, env, [begin], None)[_ITERATOR]
        key = ("name", frame.number, _ITERATOR)
        env.slots.pop(key, None)

        def turn(inner: Env, values: Sequence[Value]) -> None:
            steps = [
                own_statement(f"{_ITEM} = next({_ITERATOR}[0], {UNSET_NAME})", node.iter),
                own_statement(f"{_MORE} = {_ITEM} is not {UNSET_NAME}", node.iter),
            ]
            inner[key] = iterator
            found = self.expressions.host(frame, inner, steps, None)
            self.build.function.emit("cond", found[_MORE].value)
            if isinstance(node.target, ast.Name):
                inner["name", frame.number, node.target.id] = Data(found[_ITEM].value, "any")
            else:
                taken = own_statement(f"_ = {_ITEM}", node.target)
                assert isinstance(taken, ast.Assign)
                taken.targets = [node.target]
                self.expressions.host(frame, inner, [taken], None)
            for name in (_ITERATOR, _ITEM, _MORE):
                inner.slots.pop(("name", frame.number, name), None)
            self._body(frame, inner, node)

        with self.build.at(frame, node):
            Turns(
                self.build, env, "while", MAX_TURNS, (), turn, leaves_by_condition=True
            ).lower()  # fmt: skip
        if breaks(node.body) and self._may_notice(frame, node.iter):
            # Nobody else has the iterator: what it does when it is given up, it does here.
            env[key] = iterator
            self.expressions.host(
                frame, env, [own_statement(f"{_ITERATOR}.clear()", node.iter)], None
            )
            env.slots.pop(key, None)

    def _may_notice(self, frame: Frame, node: ast.expr) -> bool:
        """Whether an expression may give a generator that does something when it is given up."""
        for call in ast.walk(node):
            if isinstance(call, ast.Call):
                found = self.build.see(frame, call.func)
                if found is MISSING or getattr(found, "__module__", "") != "builtins":
                    return True
        return False

    def _range(self, frame: Frame, env: Env, node: ast.For) -> list[Const | Data] | None:
        """The bounds of ``range(n)`` or ``range(a, b)``, if the graph can count."""
        match node:
            case ast.For(
                target=ast.Name(), iter=ast.Call(func=function, args=[*args], keywords=[])
            ) if len(args) in (1, 2) and self.expressions.resolves(frame, function, range):
                if all(self.expressions.infer(frame, env, arg) == "int" for arg in args):
                    given = [self.expressions.value(frame, env, arg) for arg in args]
                    return [Const(0)] * (len(args) == 1) + [
                        each for each in given if isinstance(each, Const | Data)
                    ]
        return None

    def _over_range(
        self, frame: Frame, env: Env, node: ast.For, bounds: Sequence[Const | Data]
    ) -> None:
        assert isinstance(node.target, ast.Name)
        name = node.target.id
        one = self.build.function.one

        def turn(inner: Env, values: Sequence[Value]) -> None:
            inner["name", frame.number, name] = Data(values[0], "int")
            self._body(frame, inner, node)

        with self.build.at(frame, node):
            low, high = map(operand_of, bounds)
            last = one("arith", high, IrLiteral(1), op="-", types=INT)
            numbers = one("range", low, last)
            Turns(self.build, env, "for", numbers, [(name, INT)], turn).lower()

    def _written_out(self, frame: Frame, env: Env, node: ast.For, items: Sequence[Item]) -> None:
        """One turn after the other, each with its item known."""
        if len(items) > _MAX_TURNS_WRITTEN_OUT:
            reason = f"a loop of more than {_MAX_TURNS_WRITTEN_OUT} turns is not written out"
            raise Unsupported(reason, node)
        self.build.loops.append(Loop([], is_written_out=True))
        for item in items:
            if env.ended:
                break
            for name, known in targets_of(node.target, item).items():
                env["name", frame.number, name] = known
            self._body(frame, env, node)
        self.build.loops.pop()

    def lower_while(self, frame: Frame, env: Env, node: ast.While) -> None:
        """Lower a ``while``."""
        if node.orelse and breaks(node.body):
            raise Unsupported("`else` of a loop around states that may break", node.orelse[0])
        sets = any(isinstance(inner, ast.NamedExpr) for inner in ast.walk(node.test))
        self.build.notes.note(frame.source.file, node, "lowered")
        always = self.expressions.folded(frame, env, node.test)
        is_always = (
            always is not None and bool(always.value) and isinstance(node.test, ast.Constant)
        )

        def turn(inner: Env, values: Sequence[Value]) -> None:
            asks = not (is_always or sets)
            if not asks:
                self.build.function.emit("cond", True)  # it leaves by `break` only
            if not is_always:
                test = self.expressions.condition(frame, inner, node.test)
                if isinstance(test, Const) and asks:
                    self.build.function.emit("cond", True)
                if isinstance(test, Const) and not test.value:
                    leave_turn(self.build, inner, "break", self.build.loops[-1])
                    return
                if isinstance(test, Data) and sets:
                    self._leave_unless(inner, test)
                elif isinstance(test, Data):
                    self.build.function.emit("cond", test.value)
            self._body(frame, inner, node)

        with self.build.at(frame, node):
            Turns(
                self.build, env, "while", MAX_TURNS, (), turn,
                runs=bool(is_always) or sets, leaves_by_condition=not (is_always or sets),
            ).lower()  # fmt: skip
        if node.orelse and not env.ended:
            self.statements.block(frame, env, node.orelse)

    def _leave_unless(self, env: Env, test: Data) -> None:
        """Leave the loop with what its condition has set, unless that holds."""
        function = self.build.function
        with function.region("do") as goes_on:
            function.emit("yield")
        with function.region("else") as ends:
            leave_turn(self.build, env.copy(), "break", self.build.loops[-1])
        function.emit("if", test.value, regions=[goes_on, ends], types=[])
