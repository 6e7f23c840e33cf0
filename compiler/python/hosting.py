"""Host statements of a function: what they read and bind, and what is known of it behind them."""

from __future__ import annotations

import ast
import copy
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from sglc.compiler.ir.op import Operand, Value
from sglc.compiler.ir.values import STR
from sglc.compiler.python.build import Build, Frame
from sglc.compiler.python.hosts import UNSET_NAME
from sglc.compiler.python.outlined import Outlined, emit_outlined
from sglc.compiler.python.plain import is_data, is_plain_code
from sglc.compiler.python.reads import ESCAPES, Reads
from sglc.compiler.python.reasons import NotPlain, Unsupported
from sglc.compiler.python.scope import (
    Scope,
    bound_surely,
    handled_only,
    kept_by,
    scope_of,
    unbound_by,
)
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
    joined_kind,
    kind_of,
    operand_of,
)

if TYPE_CHECKING:
    from sglc.compiler.python.expressions import Expressions

_INJECTED: Final = frozenset({UNSET_NAME})
_SUPPOSED: Final = Value("supposed", STR)
_NO_HELPERS: Final[Mapping[str, Any]] = {}


class _Taken(NamedTuple):
    """What host statements take in, by name. Of it, ``unset`` may come without a value.

    ``lost`` are names that may still be what they were before, which is not known.
    """

    operands: dict[str, Operand]
    unset: frozenset[str]
    lost: frozenset[str]


class Hosting:
    """Emits host statements."""

    def __init__(self, build: Build, expressions: Expressions) -> None:
        self.build = build
        self.expressions = expressions

    def emit(
        self,
        frame: Frame,
        env: Env,
        body: Sequence[ast.stmt],
        value: Kind | None = None,
        helpers: Mapping[str, Any] = _NO_HELPERS,
    ) -> dict[str, Data]:
        """Let host code run statements; what they bind is set in ``env``.

        Raises:
            Unsupported: they use a state, or a name that may not be set.
        """
        reads = Reads(self.expressions, frame, env)
        with self.build.at(frame, body[0]):
            made = [reads.visit(copy.deepcopy(node)) for node in body]
            scope = scope_of(made, frame.global_names)
            if scope.kept:
                self._check_kept(frame, env, made, body)
            if self.build.is_plain:
                own = _INJECTED | helpers.keys() | reads.operands.keys()
                self._check_plain(frame, made, scope.reads - own)
            kinds = self._bound_kinds(frame, env, body, scope)
            taken = self._taken(frame, env, body, scope, reads.operands)
            outlined = Outlined(
                body=made,
                operands=taken.operands,
                outs=self._outs(frame, env, body, scope, taken, kinds),
                value=value,
                unset=taken.unset,
                helpers=helpers,
            )
            found = emit_outlined(self.build, frame, env, outlined, body[0])
        for name in sorted(scope.writes):
            known = Lost("it may not be set here") if name in taken.lost else found[name]
            env["name", frame.number, name] = known
        assert not self.build.function.terminated
        return found

    def _taken(
        self,
        frame: Frame,
        env: Env,
        body: Sequence[ast.stmt],
        scope: Scope,
        read: Mapping[str, Operand],
    ) -> _Taken:
        """Find out which values statements take in; ``read`` are those of states.

        Raises:
            Unsupported: a value is of another kind, or not known.
        """
        surely = bound_surely(body) - unbound_by(body)
        read_first = self._read_first(frame, body, scope)
        operands = dict(read)
        unset: set[str] = set()
        lost: set[str] = set()
        for name in sorted(scope.reads | scope.writes):
            if name in read or not self.expressions.is_local(frame, name):
                continue
            if name in scope.writes:
                known = self.expressions.local(frame, env, name)
                if known is None or (name not in read_first and name in surely):
                    continue
                if name not in read_first and not _is_set(known):
                    lost.add(name)
                    continue
            self._refuse_fixed(frame, name, body[0])
            known = self._readable(frame, env, name, body[0])
            operands[name] = operand_of(known)
            self.build.note_read(known, name)
            if kind_of(known) == "cell":
                unset.add(name)
        return _Taken(operands, frozenset(unset), frozenset(lost))

    def _outs(
        self,
        frame: Frame,
        env: Env,
        body: Sequence[ast.stmt],
        scope: Scope,
        taken: _Taken,
        kinds: Mapping[str, Kind],
    ) -> list[tuple[str, Kind]]:
        """Return the names that statements bind, with what is known of their values behind them."""
        bound, unbound = bound_surely(body), unbound_by(body)
        kept = taken.operands.keys() & scope.writes
        surely = (bound - unbound) | (kept - taken.unset - unbound)
        outs: list[tuple[str, Kind]] = []
        for name in sorted(scope.writes):
            kind = kinds.get(name, "any")
            if name in kept and name not in bound:
                kind = joined_kind((kind, kind_of(env["name", frame.number, name])))
            outs.append((name, kind if name in surely else "cell"))
        return outs

    def _check_plain(self, frame: Frame, body: Sequence[ast.stmt], names: frozenset[str]) -> None:
        """What is known of code outside holds as long as the ``names`` of it mean the same.

        Raises:
            NotPlain: it may make more than data.
        """
        outside = [name for name in names if not self.expressions.is_local(frame, name)]
        if not is_plain_code(body, outside, frame.source):
            raise NotPlain
        for name in outside:
            if not is_data(frame.source.resolve(name)):
                self.build.see(frame, ast.Name(name, ast.Load()))

    def _readable(self, frame: Frame, env: Env, name: str, node: ast.AST) -> Known:
        known = self.expressions.named(
            frame, env, ast.copy_location(ast.Name(name, ast.Load()), node)
        )
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

    def _check_kept(
        self, frame: Frame, env: Env, made: Sequence[ast.stmt], body: Sequence[ast.stmt]
    ) -> None:
        """Inner functions see later values of names; here they get those of now.

        Raises:
            Unsupported: that may differ.
        """
        expressions = self.expressions
        kept = kept_by(
            made, frame.global_names, lambda function: expressions.gathers(frame, env, function)
        )
        kept &= frame.source.locals
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
                if any(
                    self.expressions.infer(frame, after, value) != "str" for value in given[name]
                )
            ]
            if not wrong:
                break
            for name in wrong:
                del found[name]
        kinds: dict[str, Kind] = dict.fromkeys(found, "str")
        for name, values in given.items():
            if len(values) == counts[name] and name not in found:
                kinds[name] = joined_kind(
                    self.expressions.infer(frame, after, value) for value in values
                )
        return kinds


def _is_set(known: Known) -> bool:
    return isinstance(known, Const | Data) and not (isinstance(known, Data) and known.may_miss)
