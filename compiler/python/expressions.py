"""Expressions: ops where those mean the same, else host code with reads as operands."""

from __future__ import annotations

import ast
import copy
from collections.abc import Mapping, Sequence
from typing import Any, Final

from sglc.compiler.ir.op import Operand, Value
from sglc.compiler.ir.values import BOOL, STR
from sglc.compiler.python.build import Build, Frame
from sglc.compiler.python.constants import constant, fold
from sglc.compiler.python.hosts import RESULT, UNSET_NAME
from sglc.compiler.python.kinds import kind_of_expression
from sglc.compiler.python.plain import is_plain_code
from sglc.compiler.python.reads import ESCAPES, Reads
from sglc.compiler.python.reasons import NotConstant, NotPlain, Unsupported
from sglc.compiler.python.scope import Scope, bound_surely, handled_only, scope_of, unbound_by
from sglc.compiler.python.source import MISSING
from sglc.compiler.python.values import (
    Const,
    Data,
    Env,
    GroupRef,
    Items,
    Kind,
    Known,
    Lost,
    Pieces,
    StateRef,
    is_scalar,
    joined_kind,
    kind_of,
    operand_of,
)

Item = Known | tuple["Item", ...]
ITERATOR: Final = "_sglc_iterator"
ITEM: Final = "_sglc_item"
MORE: Final = "_sglc_more"
"""Names of the frontend's own, for loops over Python's iterators."""
_TEXT: Final = "_sglc_text"
_INJECTED: Final = frozenset({UNSET_NAME})
_OWN: Final = frozenset({ITERATOR, ITEM, MORE})
_SUPPOSED: Final = Value("supposed", STR)
_NOTHING: Final[Mapping[str, Known]] = {}


class Expressions:
    """Lowers the expressions of one function."""

    def __init__(self, build: Build) -> None:
        self.build = build

    # ---- names

    def local(self, frame: Frame, env: Env, name: str) -> Known | None:
        """What a local stands for; None if the name is none, or is not set."""
        return env.get(("name", frame.number, name)) if self.is_local(frame, name) else None

    def is_local(self, frame: Frame, name: str) -> bool:
        """Whether a name is one of the function, or of the frontend."""
        return name in frame.source.locals or name in _OWN

    def named(self, frame: Frame, env: Env, node: ast.Name) -> Known:
        """What a local stands for.

        Raises:
            Unsupported: it is not surely set, or not known.
        """
        known = self.local(frame, env, node.id)
        match known:
            case None:
                raise Unsupported(f"`{node.id}` may not be set here", node)
            case Lost(reason=reason):
                raise Unsupported(f"`{node.id}`: {reason}", node)
            case Data(may_miss=True):
                raise Unsupported(f"`{node.id}` may not be set here", node)
        return known

    def resolves(self, frame: Frame, node: ast.expr, wanted: object) -> bool:
        """Whether a name means ``wanted``."""
        if isinstance(node, ast.Name) and node.id in frame.source.locals:
            return False
        return frame.source.resolve_node(node) is wanted

    def word(self, frame: Frame, node: ast.expr) -> object:
        """The word of the API that an expression means, or ``MISSING``."""
        found = frame.source.resolve_node(node)
        if found is MISSING or not (self.build.words.is_word(found)):
            return MISSING
        return self.build.guard.see(frame.source, node)

    def state_of(
        self, frame: Frame, env: Env, node: ast.expr, bound: Mapping[str, Known] = _NOTHING
    ) -> int | None:
        """The state that an expression means, if it means one."""
        match node:
            case ast.Name(id=name):
                known = bound[name] if name in bound else self.local(frame, env, name)
                return known.number if isinstance(known, StateRef) else None
            case ast.Subscript(value=ast.Name() as owner, slice=index):
                group = self.group_of(frame, env, owner)
                if group is None:
                    return None
                place = self.constant(frame, env, index, bound)
                if type(place) is not int or not -len(group.states) <= place < len(group.states):
                    raise Unsupported("a fork is asked for a child that it does not have", node)
                return group.states[place]
        return None

    def group_of(self, frame: Frame, env: Env, node: ast.expr) -> GroupRef | None:
        """The children of a fork that an expression means, if it means some."""
        known = self.local(frame, env, node.id) if isinstance(node, ast.Name) else None
        return known if isinstance(known, GroupRef) else None

    def touches(
        self, frame: Frame, env: Env, node: ast.AST, bound: Mapping[str, Known] = _NOTHING
    ) -> bool:
        """Whether a state, or what is to be appended, is named in a node."""
        apart = StateRef | GroupRef | Pieces
        for inner in ast.walk(node):
            if isinstance(inner, ast.Name):
                known = bound.get(inner.id) or self.local(frame, env, inner.id)
                if isinstance(known, apart):
                    return True
        return False

    def variable(self, env: Env, state: int, name: object, node: ast.AST) -> Known:
        """What a state calls by a name.

        Raises:
            Unsupported: it is not surely set.
        """
        known = env.get(("var", state, name)) if isinstance(name, str) else None
        if known is None or isinstance(known, Lost) or (isinstance(known, Data) and known.may_miss):
            raise Unsupported(f"{name!r} may not be there when it is read", node)
        return known

    # ---- constants

    def constant(
        self, frame: Frame, env: Env, node: ast.expr, bound: Mapping[str, Known] = _NOTHING
    ) -> Any:
        """The value of an expression that the graph has to know.

        Raises:
            NotConstant: it depends on a local that is not known.
            Unsupported: it may be anything.
        """

        def known(name: ast.Name) -> Any:
            found = bound.get(name.id) or self.named(frame, env, name)
            if isinstance(found, Const):
                return found.value
            if frame.number == 0 and name.id in self.build.fixed and self.is_param(env, name.id):
                return self.build.fixed[name.id]
            raise NotConstant(name.id if frame.number == 0 else "", name)

        return constant(node, frame.source, known, self.build.guard)

    def is_param(self, env: Env, name: str) -> bool:
        """Whether a local of the entry still has the value that it was given."""
        known = env.get(("name", 0, name))
        return isinstance(known, Data) and known.value.name == name

    def folded(self, frame: Frame, env: Env, node: ast.expr) -> Const | None:
        """The value of an expression of known scalars, if it is one."""
        values: dict[str, object] = {
            str(key[2]): known.value
            for key, known in env.slots.items()
            if key[0] == "name" and key[1] == frame.number and isinstance(known, Const)
        }
        found = fold(node, values, frame.source)
        return Const(found) if found is not MISSING and is_scalar(found) else None  # type: ignore[arg-type]  # it is a scalar

    # ---- what ops can do

    def peek(self, frame: Frame, env: Env, node: ast.expr) -> Kind | None:
        """The kind of an expression that ops can give; None if it takes host code."""
        folded = self.folded(frame, env, node)
        if folded is not None:
            return kind_of(folded)
        match node:
            case ast.Name(id=name) if name in frame.source.locals:
                known = self.named(frame, env, node)
                is_there = isinstance(known, Const | Data) and kind_of(known) != "cell"
                return kind_of(known) if is_there else None
            case ast.Name() | ast.Attribute():
                found = self.outer(frame, node)
                return None if found is None else kind_of(found)
            case ast.Subscript(value=owner, slice=key):
                state = self.state_of(frame, env, owner)
                if state is None:
                    return None
                known = self.variable(env, state, self.constant(frame, env, key), node)
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

    def outer(self, frame: Frame, node: ast.expr) -> Const | None:
        """A text, a number or the like that stands in a name outside of the function."""
        found = frame.source.resolve_node(node)
        if found is MISSING or not is_scalar(found):
            return None
        self.build.guard.see(frame.source, node)
        return Const(found)  # type: ignore[arg-type]  # it is a scalar

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
            case ast.Compare(
                left=left,
                ops=[ast.In() | ast.NotIn()],
                comparators=[ast.Tuple(elts=elts) | ast.List(elts=elts) | ast.Set(elts=elts)],
            ):
                return all(self.peek(frame, env, each) == "str" for each in (left, *elts))
        return False

    def pure(self, frame: Frame, env: Env, node: ast.expr) -> Const | Data:
        """Emit the ops of an expression that ``peek`` accepts."""
        folded = self.folded(frame, env, node)
        if folded is not None:
            return folded
        one = self.build.function.one
        match node:
            case ast.Name(id=name) if name in frame.source.locals:
                known = self.named(frame, env, node)
            case ast.Name() | ast.Attribute():
                outer = self.outer(frame, node)
                assert outer is not None
                known = outer
            case ast.Subscript(value=owner, slice=key):
                state = self.state_of(frame, env, owner)
                assert state is not None
                known = self.variable(env, state, self.constant(frame, env, key), node)
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
        one = self.build.function.one
        left, right = operand_of(self.pure(frame, env, node.left)), node.comparators[0]
        negated = isinstance(node.ops[0], ast.NotEq | ast.NotIn)
        if isinstance(node.ops[0], ast.Eq | ast.NotEq):
            other = operand_of(self.pure(frame, env, right))
            return one("cmp", left, other, op="!=" if negated else "==")
        assert isinstance(right, ast.Tuple | ast.List | ast.Set)
        items = [operand_of(self.pure(frame, env, each)) for each in right.elts]
        found = one("in", left, items)
        return one("negate", found, types=BOOL) if negated else found

    # ---- any expression

    def infer(self, frame: Frame, env: Env, node: ast.expr) -> Kind:
        """The kind of what an expression surely gives."""

        def known(inner: ast.expr) -> Kind | None:
            try:
                return self.peek(frame, env, inner)
            except Unsupported:
                return None

        return kind_of_expression(node, frame.source, known)

    def value(self, frame: Frame, env: Env, node: ast.expr) -> Known:
        """The value of an expression.

        Raises:
            Unsupported: it uses a state in a way that has no op.
        """
        state = self.state_of(frame, env, node)
        if state is not None:
            return StateRef(state)
        group = self.group_of(frame, env, node)
        if group is not None:
            return group
        if self.peek(frame, env, node) is not None:
            return self.pure(frame, env, node)
        if isinstance(node, ast.Name) and node.id in frame.source.locals:
            known = self.named(frame, env, node)
            if kind_of(known) != "cell":
                return known
        return self.host_value(frame, env, node, self.infer(frame, env, node))

    def text_value(self, frame: Frame, env: Env, node: ast.expr) -> Data:
        """The value of an expression that is a text when it is appended, and else an error."""
        call = ast.Call(ast.Name(_TEXT, ast.Load()), [node], [])
        body = [ast.copy_location(ast.Expr(ast.copy_location(call, node)), node)]
        return self.host(frame, env, body, "str", {_TEXT: self.build.words.text})[RESULT]

    def condition(self, frame: Frame, env: Env, node: ast.expr) -> Const | Data:
        """Whether an expression is true, as Python sees it."""
        if self.peek(frame, env, node) in ("str", "int", "bool", "none", "float"):
            return self.pure(frame, env, node)
        test = ast.copy_location(
            ast.UnaryOp(ast.Not(), ast.copy_location(ast.UnaryOp(ast.Not(), node), node)), node
        )
        return self.host_value(frame, env, test, "bool")

    def host_value(self, frame: Frame, env: Env, node: ast.expr, kind: Kind) -> Data:
        """Let host code give the value of an expression."""
        body = [ast.copy_location(ast.Expr(node), node)]
        return self.host(frame, env, body, kind)[RESULT]

    def host(
        self,
        frame: Frame,
        env: Env,
        body: Sequence[ast.stmt],
        value: Kind | None = None,
        helpers: Mapping[str, Any] = _NOTHING,
    ) -> dict[str, Data]:
        """Let host code run statements; what they bind is set in ``env``.

        Raises:
            Unsupported: they use a state, or a name that may not be set.
        """
        function = self.build.function
        reads = Reads(self, frame, env)
        with self.build.at(frame, body[0]):
            made = [reads.visit(copy.deepcopy(node)) for node in body]
            scope = scope_of(made, frame.global_names)
            self._check_kept(frame, scope, body)
            outside = [
                name
                for name in scope.reads
                if not self.is_local(frame, name) and name not in _INJECTED and name not in helpers
                and name not in reads.operands
            ]  # fmt: skip
            if self.build.is_plain and not is_plain_code(made, outside, frame.source):
                raise NotPlain
            kinds = self._bound_kinds(frame, env, body, scope)
            surely = bound_surely(body) - unbound_by(body)
            read_first = self._read_first(frame, body, scope)
            operands = dict(reads.operands)
            unset: set[str] = set()
            lost: set[str] = set()
            for name in sorted(scope.reads | scope.writes):
                if name in reads.operands or not self.is_local(frame, name):
                    continue
                if name in scope.writes:
                    known = self.local(frame, env, name)
                    if known is None or (name not in read_first and name in surely):
                        continue
                    if name not in read_first and not _is_set(known):
                        lost.add(name)  # it may still be what it was, which is not known
                        continue
                self._refuse_fixed(frame, name, body[0])
                known = self._readable(frame, env, name, body[0])
                operands[name] = operand_of(known)
                if kind_of(known) == "cell":
                    unset.add(name)
            kept = operands.keys() & scope.writes
            surely |= kept - unset - unbound_by(body)
            outs: list[tuple[str, Kind]] = []
            for name in sorted(scope.writes):
                kind = kinds.get(name, "any")
                if name in kept and name not in bound_surely(body):
                    kind = joined_kind((kind, kind_of(env["name", frame.number, name])))
                outs.append((name, kind if name in surely else "cell"))
            found = self.build.host(
                frame, env, body[0], made, operands, outs, value, unset, helpers
            )  # fmt: skip
        for name in sorted(scope.writes):
            known = Lost("it may not be set here") if name in lost else found[name]
            env["name", frame.number, name] = known
        assert not function.terminated
        return found

    def _readable(self, frame: Frame, env: Env, name: str, node: ast.AST) -> Known:
        known = self.named(frame, env, ast.copy_location(ast.Name(name, ast.Load()), node))
        if isinstance(known, StateRef | GroupRef):
            raise Unsupported(f"`{name}` goes where it cannot be followed", node, ESCAPES)
        if isinstance(known, Pieces | Items):
            raise Unsupported(f"host code uses `{name}`, which is to be appended", node)
        return known

    def _refuse_fixed(self, frame: Frame, name: str, node: ast.AST) -> None:
        fixed = self.build.fixed.get(name) if frame.number == 0 else None
        if isinstance(fixed, list | dict | set):
            raise Unsupported(f"`{name}` is part of the graph, and host code may change it", node)

    def _read_first(self, frame: Frame, body: Sequence[ast.stmt], scope: Scope) -> frozenset[str]:
        """Those of the names that statements bind which they may read before."""
        if len(body) == 1:
            return scope.used - handled_only(body)
        bound: set[str] = set()
        found: set[str] = set()
        for statement in body:
            each = scope_of([statement], frame.global_names)
            found |= (each.reads | (each.used - handled_only([statement]))) - bound
            bound |= bound_surely([statement]) - unbound_by([statement])
        return frozenset(found & scope.writes)

    def _check_kept(self, frame: Frame, scope: Scope, body: Sequence[ast.stmt]) -> None:
        """Inner functions see later values of names; here they get those of now.

        Raises:
            Unsupported: that may differ.
        """
        kept = scope.kept & frame.source.locals
        if not kept:
            return
        bindings = frame.source.bindings
        own = {id(node) for statement in body for node in ast.walk(statement)}
        for name in sorted(kept):
            sites = bindings.sites.get(name, ())
            once = len(sites) == 1 and name not in bindings.in_loops
            inside = all(id(site) in own for site in sites) and not self.build.loops
            if not (once or inside):
                raise Unsupported(f"an inner function keeps `{name}`, which changes", body[0])

    def _bound_kinds(
        self, frame: Frame, env: Env, body: Sequence[ast.stmt], scope: Scope
    ) -> dict[str, Kind]:
        """The kinds of names that are bound once, by a simple assignment."""
        counts: dict[str, int] = {}
        for statement in body:
            for node in ast.walk(statement):
                if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                    counts[node.id] = counts.get(node.id, 0) + 1
        given: dict[str, list[ast.expr]] = {}
        for node in (node for statement in body for node in ast.walk(statement)):
            match node:
                case (
                    ast.Assign(targets=[ast.Name(id=name)], value=value)
                    | ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value)
                ):
                    given.setdefault(name, []).append(value)
        after = env.copy()
        for name in scope.writes:
            after.slots.pop(("name", frame.number, name), None)
        # Suppose that names are bound to texts only, and take back what that does not bear out.
        found = {name: "str" for name, values in given.items() if len(values) == counts[name]}
        while True:
            for name in given:
                after.slots.pop(("name", frame.number, name), None)
                if name in found:
                    after["name", frame.number, name] = Data(_SUPPOSED, "str")
            wrong = [
                name
                for name in found
                if any(self.infer(frame, after, value) != "str" for value in given[name])
            ]
            if not wrong:
                break
            for name in wrong:
                del found[name]
        kinds: dict[str, Kind] = dict.fromkeys(found, "str")
        for name, values in given.items():
            if len(values) == counts[name] and name not in found:
                kinds[name] = joined_kind(self.infer(frame, after, value) for value in values)
        return kinds

    # ---- what can be gone through while lowering

    def items(
        self, frame: Frame, env: Env, node: ast.expr, bound: Mapping[str, Known] = _NOTHING
    ) -> list[Item] | None:
        """The items of something whose items are known, or of forks; None if it is neither.

        Raises:
            NotConstant: how many there are depends on a local that is not known.
        """
        group = self.group_of(frame, env, node)
        if group is not None:
            return [StateRef(number) for number in group.states]
        match node:
            case ast.Call(func=function, args=args, keywords=[]):
                if any(isinstance(arg, ast.Starred) for arg in args):
                    return None
                if self.resolves(frame, function, range):
                    numbers = [self.constant(frame, env, arg, bound) for arg in args]
                    return [Const(number) for number in range(*numbers)]
                if self.resolves(frame, function, enumerate):
                    inner = self.items(frame, env, args[0], bound)
                    first = self.constant(frame, env, args[1], bound) if len(args) > 1 else 0
                    if inner is not None and type(first) is int:
                        return [(Const(first + i), item) for i, item in enumerate(inner)]
                if self.resolves(frame, function, zip):
                    columns = [self.items(frame, env, arg, bound) for arg in args]
                    if all(column is not None for column in columns):
                        return list(zip(*columns, strict=False))
                return None
        given = self.constant(frame, env, node, bound)
        if not isinstance(given, list | tuple | str | range):
            return None
        made = [_item(each) for each in given]
        return None if any(each is None for each in made) else made  # type: ignore[return-value]  # not None

    def targets(self, target: ast.expr, item: Item) -> dict[str, Known]:
        """What the names of a target are bound to by an item.

        Raises:
            Unsupported: the target is more than names, or the item does not fit it.
        """
        match target:
            case ast.Name(id=name) if not isinstance(item, tuple):
                return {name: item}
            case ast.Tuple(elts=elts) | ast.List(elts=elts):
                if isinstance(item, tuple) and len(item) == len(elts):
                    found: dict[str, Known] = {}
                    for each, part in zip(elts, item, strict=True):
                        found |= self.targets(each, part)
                    return found
        raise Unsupported("the target of the loop is not simple", target)


def _is_set(known: Known) -> bool:
    return isinstance(known, Const | Data) and not (isinstance(known, Data) and known.may_miss)


def _item(value: object) -> Item | None:
    if is_scalar(value):
        return Const(value)  # type: ignore[arg-type]  # it is a scalar
    if isinstance(value, tuple):
        items = tuple(map(_item, value))
        return None if any(each is None for each in items) else items  # type: ignore[return-value]
    return None
