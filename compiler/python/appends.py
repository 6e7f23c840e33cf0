"""What a state is appended with: texts and words of the API, as ops on its stream."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from sglc.compiler.ir.ops import OPS
from sglc.compiler.ir.values import BOOL, INT, STR, STREAM, from_type
from sglc.compiler.python.build import Build, Frame, place_of
from sglc.compiler.python.expressions import Expressions
from sglc.compiler.python.pieces import Begin, Choice, Decode, End, NotInGraph, Piece, Place
from sglc.compiler.python.reasons import NotConstant, Unsupported
from sglc.compiler.python.source import MISSING
from sglc.compiler.python.values import Const, Data, Env, Kind, Pieces, operand_of

_KINDS: dict[str, Kind] = {
    STR.name: "str",
    "literals": "str",
    INT.name: "int",
    BOOL.name: "bool",
}


@dataclass(frozen=True, slots=True)
class Said:
    """A text that only the run knows."""

    text: Data


class Appends:
    """Lowers what stands behind ``s +=``."""

    def __init__(self, build: Build, expressions: Expressions) -> None:
        self.build = build
        self.expressions = expressions

    def is_piece(self, frame: Frame, env: Env, node: ast.expr) -> bool:
        """Whether an expression is made of words of the API."""
        match node:
            case ast.Call(func=function):
                return self.expressions.word(frame, function) is not MISSING
            case ast.BinOp(left=left, op=ast.Add(), right=right):
                return self.is_piece(frame, env, left) or self.is_piece(frame, env, right)
            case ast.Name(id=name):
                return isinstance(self.expressions.local(frame, env, name), Pieces)
        return False

    def pieces(self, frame: Frame, env: Env, node: ast.expr) -> list[Piece | Said]:
        """Return what an expression appends; host code in it is emitted.

        Raises:
            Unsupported: it is not known to be text or words of the API.
        """
        match node:
            case ast.BinOp(left=left, op=ast.Add(), right=right) if self._is_sum(frame, env, node):
                return [*self.pieces(frame, env, left), *self.pieces(frame, env, right)]
            case ast.JoinedStr(values=values) if self._is_split(frame, env, node):
                texts = [v.value if isinstance(v, ast.FormattedValue) else v for v in values]
                return [p for text in texts for p in self._text(frame, env, text)]
            case ast.Name(id=name):
                known = self.expressions.local(frame, env, name)
                if isinstance(known, Pieces):
                    return list(known.items)
            case ast.Call(func=function) if self.is_piece(frame, env, node):
                return self._word(frame, env, node, self.expressions.word(frame, function))
        return self._text(frame, env, node)

    def _is_sum(self, frame: Frame, env: Env, node: ast.BinOp) -> bool:
        """Whether a sum appends its sides one after the other."""
        if self.is_piece(frame, env, node):
            return True
        sides = [self.expressions.infer(frame, env, side) for side in (node.left, node.right)]
        return sides == ["str", "str"]

    def _is_split(self, frame: Frame, env: Env, node: ast.JoinedStr) -> bool:
        """Whether the parts of an f-string are texts that can be appended for themselves."""
        if self.expressions.folded(frame, env, node) is not None:
            return False
        return self.expressions.operations.peek(frame, env, node) is not None

    def _text(self, frame: Frame, env: Env, node: ast.expr) -> list[Piece | Said]:
        kind = self.expressions.infer(frame, env, node)
        if kind != "str" and self.build.is_plain:
            return [Said(self.expressions.text_value(frame, env, node))]
        if kind != "str":
            shown = ast.unparse(node)
            chosen = (n for n in ast.walk(node) if isinstance(n, ast.IfExp))
            if any(self.is_piece(frame, env, each) for n in chosen for each in (n.body, n.orelse)):
                raise Unsupported("only the run knows what is appended here: write an `if`", node)
            raise Unsupported(f"`{shown}` may be no text: write str({shown})", node)
        known = self.expressions.value(frame, env, node)
        if isinstance(known, Const):
            assert isinstance(known.value, str)
            return [known.value] if known.value else []
        assert isinstance(known, Data)
        return [Said(known)]

    def _word(self, frame: Frame, env: Env, node: ast.Call, word: Any) -> list[Piece | Said]:
        role = self.build.words.role_of(word)
        if role is not None:
            match node:
                case (
                    ast.Call(args=[content], keywords=[])
                    | ast.Call(args=[], keywords=[ast.keyword(arg=str(), value=content)])
                ) if not self._is_none(frame, env, content):
                    return self.message(frame, env, role, content)
        constant = self.expressions.constant
        if any(isinstance(arg, ast.Starred) for arg in node.args):
            raise Unsupported("`*` gives arguments that only the run knows", node)
        if any(keyword.arg is None for keyword in node.keywords):
            raise Unsupported("`**` gives options that only the run knows", node)
        args = [constant(frame, env, arg) for arg in node.args]
        kwargs = {str(key.arg): constant(frame, env, key.value) for key in node.keywords}
        try:
            made = self.build.words.pieces(word, args, kwargs)
        except NotConstant:
            raise
        except NotInGraph as error:
            raise Unsupported(str(error), node) from None
        except Exception as error:  # it is raised where it stands, when the function runs
            raise Unsupported(f"it raises {type(error).__name__}: {error}", node) from None
        place = Place(place_of(frame.source.file, node), frame.source)
        return [
            replace(piece, place=place) if isinstance(piece, Decode | Choice) else piece
            for piece in made
        ]

    def _is_none(self, frame: Frame, env: Env, content: ast.expr) -> bool:
        folded = self.expressions.folded(frame, env, content)
        return folded is not None and folded.value is None

    def message(self, frame: Frame, env: Env, role: str, content: ast.expr) -> list[Piece | Said]:
        """A whole message.

        Raises:
            Unsupported: its content is None, which is raised where it stands.
        """
        if self._is_none(frame, env, content):
            raise Unsupported("it raises TypeError: a message cannot be None", content)
        return [Begin(role), *self.pieces(frame, env, content), End(role)]

    # ---- onto a stream

    def append(
        self, frame: Frame, env: Env, state: int, pieces: Sequence[Piece | Said], node: ast.AST
    ) -> None:
        """Emit the ops that append pieces to a state.

        A call of the model that stands in this function has its own place, else that of ``node``.
        """
        self.build.notes.note(frame.source.file, node, "lowered")
        there = place_of(frame.source.file, node)
        for piece in pieces:
            own = piece.place if isinstance(piece, Decode | Choice) else None
            is_here = own is not None and own.source is frame.source
            with self.build.function.at(own.loc if own is not None and is_here else there):
                self._append(env, state, piece, node)

    def _append(self, env: Env, state: int, piece: Piece | Said, node: ast.AST) -> None:
        role = env["role", state]
        assert isinstance(role, Const)
        match piece:
            case str():
                self.build.step(env, state, "put", piece)
            case Said(text=text):
                self.build.step(env, state, "put", operand_of(text))
            case Begin(role=name):
                if role.value is not None:
                    raise Unsupported(f"a message of the {name} begins inside of another one", node)
                self.build.num_roles += 1
                self.build.step(env, state, "role.begin", role=name)
                env["role", state] = Const(name)
            case End(role=name):
                if role.value != name:
                    raise Unsupported(f"a message of the {name} ends where none is open", node)
                self.build.num_roles += 1
                self.build.step(env, state, "role.end", role=name)
                env["role", state] = Const(None)
            case Decode():
                self._decode(env, state, piece, node)
            case Choice(name=called, choices=choices, method=method):
                site = self.build.new_site()
                attrs = {"by": method, "path": f"t{site}"}
                attrs |= {} if called is None else {"name": called}
                op = self.build.function.emit(
                    "select", env.stream(state), list(choices), hint=("s", _hint(called), None),
                    attrs=attrs,
                )  # fmt: skip
                self._decoded(
                    env,
                    state,
                    called,
                    op.results[0],
                    Data(op.results[1], "str", sites=frozenset((site,))),
                )

    def _decode(self, env: Env, state: int, piece: Decode, node: ast.AST) -> None:
        attrs = dict(piece.attrs)
        unknown = attrs.keys() - OPS["gen"].attrs.keys()
        if unknown:
            raise Unsupported(f"`{sorted(unknown)[0]}` has no place in the graph", node)
        if piece.name is not None:
            attrs = {"name": piece.name, **attrs}
        site = self.build.new_site()
        attrs["path"] = f"t{site}"
        type_ = STR
        if piece.constraint is not None:
            attrs["constraint"] = self.build.module.constraint(piece.constraint)
            type_ = from_type(piece.constraint)
        op = self.build.function.emit(
            "gen", env.stream(state), hint=("s", _hint(piece.name)), attrs=attrs,
            types=[STREAM, type_],
        )  # fmt: skip
        kind = "any" if type_.optional else _KINDS.get(type_.name, "any")
        self._decoded(
            env,
            state,
            piece.name,
            op.results[0],
            Data(op.results[1], kind, sites=frozenset((site,))),
        )

    def _decoded(self, env: Env, state: int, name: str | None, stream: Any, value: Data) -> None:
        env["stream", state] = Data(stream, "stream")
        if name is not None:
            env["var", state, name] = value


def _hint(name: str | None) -> str | None:
    """The name of a value: that of the capture, where it is one."""
    return name if name is not None and name.isidentifier() and name.isascii() else None
