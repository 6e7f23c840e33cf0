"""Forks of states: children by value, and what they bring back."""

from __future__ import annotations

import ast
from typing import Final

from sglc.compiler.python.build import Build, Frame
from sglc.compiler.python.expressions import Expressions
from sglc.compiler.python.reasons import Unsupported
from sglc.compiler.python.values import Data, Env, GroupRef, Items, Known, Lost

_MAX_WIDTH: Final = 64
_GATHER: Final = "gather_variable"
_APPEND: Final = "concate_and_append"


class Forks:
    """Lowers ``s.fork(n)`` and ``forks.join()``."""

    def __init__(self, build: Build, expressions: Expressions) -> None:
        self.build = build
        self.expressions = expressions

    def fork_of(self, frame: Frame, env: Env, node: ast.expr) -> GroupRef | None:
        """Lower an expression that forks a state; None if it is another one."""
        match node:
            case ast.Call(func=ast.Attribute(value=owner, attr="fork"), args=args, keywords=given):
                state = self.expressions.state_of(frame, env, owner)
            case _:
                return None
        if state is None:
            return None
        match args, given:
            case [], []:
                size: object = 1
            case ([number], []) | ([], [ast.keyword(arg="size", value=number)]):
                size = self.expressions.constant(frame, env, number)
            case _:
                raise Unsupported("a fork takes a number", node)
        self.build.notes.note(frame.source.file, node, "lowered")
        with self.build.at(frame, node):
            return self.fork(env, state, size, node)

    def fork(self, env: Env, state: int, size: object, node: ast.AST) -> GroupRef:
        """Emit the children of a state."""
        if type(size) is not int or size < 1:
            raise Unsupported(f"a fork needs a number of at least 1, not {size!r}", node)
        if size > _MAX_WIDTH:
            raise Unsupported(f"a fork of more than {_MAX_WIDTH} is not written out", node)
        before = env.stream(state)
        children = []
        for number in range(size):
            stream = self.build.function.one("child", before, number, hint="s")
            child = self.build.new_state(stream)
            env["stream", child] = Data(stream, "stream")
            env["role", child] = env["role", state]
            for name, known in env.variables(state).items():
                env["var", child, name] = known
            children.append(child)
        self.build.step(env, state, "child")
        return GroupRef(children[0], state, tuple(children))

    def join(self, frame: Frame, env: Env, group: GroupRef, node: ast.Call) -> None:
        """Lower ``forks.join(mode)``."""
        mode: object = _GATHER
        match node.args, node.keywords:
            case [], []:
                pass
            case ([given], []) | ([], [ast.keyword(arg="mode", value=given)]):
                mode = self.expressions.constant(frame, env, given)
            case _:
                raise Unsupported("`join` takes a mode", node)
        if ("joined", group.number) in env.slots:
            raise Unsupported("forks are joined twice, or on some ways only", node)
        env["joined", group.number] = group
        self.build.notes.note(frame.source.file, node, "lowered")
        with self.build.at(frame, node):
            if mode == _GATHER:
                self.gather(env, group, node)
            elif mode == _APPEND:
                self._append(env, group, node)
            else:
                raise Unsupported(f"`join` has no mode {mode!r}", node)

    def gather(self, env: Env, group: GroupRef, node: ast.AST) -> None:
        """What children have named, and the parent has not, becomes a list of the parent."""
        own = env.variables(group.parent)
        by_child = [env.variables(number) for number in group.states]
        for name in dict.fromkeys(name for found in by_child for name in found):
            if name in own:
                if _may_miss(own[name]) and any(own[name] != found.get(name) for found in by_child):
                    raise Unsupported(f"whether {name!r} is set, only the run knows", node)
                continue
            values: list[Known] = []
            for found in by_child:
                known = found.get(name)
                if (isinstance(known, Data) and not known.may_miss) or isinstance(known, Items):
                    values.append(known)
                elif known is not None:
                    raise Unsupported(f"{name!r} may not be set in a fork that is joined", node)
            env["var", group.parent, name] = Items(tuple(values))

    def _append(self, env: Env, group: GroupRef, node: ast.AST) -> None:
        for number in group.states:
            began = self.build.began[number]
            before = self.build.roles_before[number]
            text = self.build.slice(began, env.stream(number), before, node)
            self.build.step(env, group.parent, "put", text)


def _may_miss(known: Known) -> bool:
    return isinstance(known, Lost) or (isinstance(known, Data) and known.may_miss)
