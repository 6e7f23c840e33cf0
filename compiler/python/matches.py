"""``match``: by the text of a value, or by the case that Python says it is."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from sglc.compiler.python.build import Build, Frame
from sglc.compiler.python.expressions import CASE, Expressions
from sglc.compiler.python.regions import join_arms
from sglc.compiler.python.scope import own_statement, pattern_names
from sglc.compiler.python.values import Const, Data, Env, operand_of

if TYPE_CHECKING:
    from sglc.compiler.python.statements import Statements


class Matches:
    """Lowers ``match`` around states."""

    def __init__(self, build: Build, expressions: Expressions, statements: Statements) -> None:
        self.build = build
        self.expressions = expressions
        self.statements = statements

    def lower(self, frame: Frame, env: Env, node: ast.Match) -> None:
        """A match on a text, with texts for cases."""
        is_text = self.expressions.operations.peek(frame, env, node.subject) == "str"
        if not is_text or any(c.guard or _texts(c.pattern) is None for c in node.cases):
            return self._anything(frame, env, node)
        self.expressions.note_reads(frame, env, node.subject)
        subject = self.expressions.operations.pure(frame, env, node.subject)
        cases: list[tuple[tuple[str, ...], list[ast.stmt]]] = []
        rest: list[ast.stmt] = []
        for case in node.cases:
            texts = _texts(case.pattern)
            assert texts is not None
            if not texts:
                rest = case.body
                break
            cases.append((texts, case.body))
        if isinstance(subject, Const):
            body = next((body for texts, body in cases if subject.value in texts), rest)
            return self.statements.block(frame, env, body)
        self.build.notes.note(frame.source.file, node, "lowered")
        arms = []
        for texts, body in cases:
            inner = env.copy()
            with self.build.function.region("case", texts) as region:
                self.statements.block(frame, inner, body)
            arms.append((region, inner))
        inner = env.copy()
        with self.build.function.region("else") as region:
            self.statements.block(frame, inner, rest)
        arms.append((region, inner))
        with self.build.at(frame, node):
            join_arms(self.build, env, "match", operand_of(subject), arms)
        return None

    def _anything(self, frame: Frame, env: Env, node: ast.Match) -> None:
        """A match of which Python says which case it is."""
        asked = ast.copy_location(
            ast.Match(
                node.subject,
                [
                    ast.match_case(case.pattern, case.guard, [own_statement(f"{CASE} = {i}", node)])
                    for i, case in enumerate(node.cases)
                ],
            ),
            node,
        )
        body = [own_statement(f"{CASE} = -1", node), asked]
        number = self.expressions.host(frame, env, body)[CASE]
        env.slots.pop(("name", frame.number, CASE), None)
        self.build.notes.note(frame.source.file, node, "lowered")
        arms = []
        for place, case in enumerate(node.cases):
            inner = env.copy()
            for name in pattern_names(case.pattern):
                known = inner["name", frame.number, name]
                if isinstance(known, Data):
                    inner["name", frame.number, name] = Data(known.value, "any")
            with self.build.function.region("case", place) as region:
                self.statements.block(frame, inner, case.body)
            arms.append((region, inner))
        inner = env.copy()
        with self.build.function.region("else") as region:
            pass
        arms.append((region, inner))
        with self.build.at(frame, node):
            join_arms(self.build, env, "match", number.value, arms)


def _texts(pattern: ast.pattern) -> tuple[str, ...] | None:
    """The texts that a pattern stands for, none for the wildcard; None if it is another one."""
    match pattern:
        case ast.MatchValue(value=ast.Constant(value=str(text))):
            return (text,)
        case ast.MatchOr(patterns=patterns):
            found = [_texts(each) for each in patterns]
            if all(found):
                return tuple(text for each in found for text in each or ())
        case ast.MatchAs(pattern=None, name=None):
            return ()
    return None
