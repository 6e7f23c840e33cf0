"""The stack of the LALR(1) automaton: shifts tokens, reduces rules, calls the builder."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from sglc.compiler.frontend import ast
from sglc.compiler.frontend.builder import TreeBuilder
from sglc.compiler.frontend.syntax_errors import nested_too_deep
from sglc.compiler.frontend.tables import Rule, Tables
from sglc.compiler.frontend.tokens import SyntaxFailure, Token
from sglc.compiler.source import SourceFile

MAX_DEPTH = 150
NOWHERE = -1  # the place of line starts and of rules made only of them
# Operators whose chains become one flat node: a long chain is not deep.
_FLAT = frozenset({"or_", "and_", "union"})


class _Reduction(NamedTuple):
    """What a reduction does; ``build`` is None where children are spliced into the parent."""

    nonterminal: int
    num_symbols: int
    passes: bool
    inline: bool
    flat: bool
    item: bool
    children: tuple[int, ...]
    build: Callable[..., Any] | None


class ParseStack:
    """States and, parallel to them, values, places and depths of what was read.

    A value is a node, a token, or a list that the parent takes apart. Finished items move to
    ``items`` at once, so that a later error does not lose them.
    """

    def __init__(self, tables: Tables, builder: TreeBuilder, file: SourceFile) -> None:
        self.items: list[ast.Item] = []
        self._tables = tables
        self._file = file
        self._reductions = [
            _Reduction(
                nonterminal=rule.nonterminal,
                num_symbols=rule.num_symbols,
                passes=rule.num_symbols == 1 and rule.inline,
                inline=rule.inline,
                flat=rule.name in _FLAT,
                item=rule.is_item,
                children=rule.children,
                build=_builder_of(builder, rule),
            )
            for rule in tables.rules
        ]
        self.clear()

    def clear(self) -> None:
        """Forget what was read of the current item."""
        self.states = [self._tables.start]
        self._values: list[Any] = []
        self._starts: list[int] = []
        self._ends: list[int] = []
        self._depths: list[int] = []

    @property
    def state(self) -> int:
        return self.states[-1]

    @property
    def at_end(self) -> bool:
        """Whether the whole file has been read."""
        return self.states[-1] == self._tables.accept

    def feed(self, token: Token) -> bool:
        """Reduce as far as the token allows and shift it; False when it fits nowhere.

        Raises:
            SyntaxFailure: the tree gets deeper than ``MAX_DEPTH``.
        """
        kind, states = token.type, self.states
        rows, gotos, reductions = self._tables.actions, self._tables.gotos, self._reductions
        while True:
            action = rows[states[-1]].get(kind)
            if action is None:
                return False
            if action >= 0:
                self._shift(action, token)
                return True
            reduction = reductions[-1 - action]
            if reduction.passes:
                states[-1] = gotos[states[-2]][reduction.nonterminal]
            else:
                self._reduce(reduction)

    def finish(self) -> None:
        """Complete the current item if nothing is missing from it."""
        if self._take("$END"):
            self.feed(Token("$END", "", 0, 0))

    def expected(self) -> frozenset[str]:
        """Return the terminals that could come next."""
        row = self._tables.actions[self.states[-1]]
        return frozenset(kind for kind in row if self._take(kind))

    def _take(self, kind: str) -> bool:
        """Whether the automaton takes a terminal here; nothing is built."""
        states = self.states.copy()
        tables = self._tables
        while True:
            action = tables.actions[states[-1]].get(kind)
            if action is None:
                return kind == "$END" and states[-1] == tables.accept
            if action >= 0:
                return True
            rule = tables.rules[-1 - action]
            if rule.num_symbols:
                del states[-rule.num_symbols :]
            states.append(tables.gotos[states[-1]][rule.nonterminal])

    def _shift(self, state: int, token: Token) -> None:
        start, end = token.start, token.end
        value: Any = token
        if token.type == "NAME":
            value = ast.Name(value=token.text, span=self._file.span(start, end))
        elif start == end:
            start = end = NOWHERE
        self.states.append(state)
        self._values.append(value)
        self._starts.append(start)
        self._ends.append(end)
        self._depths.append(0)

    def _reduce(self, rule: _Reduction) -> None:
        states = self.states
        count = rule.num_symbols
        if not count:
            self._push(rule, [], NOWHERE, NOWHERE, 0)
            return
        values = self._values[-count:]
        start = next((s for s in self._starts[-count:] if s != NOWHERE), NOWHERE)
        end = next((e for e in self._ends[: -count - 1 : -1] if e != NOWHERE), NOWHERE)
        depths = self._depths[-count:]
        del states[-count:], self._values[-count:], self._starts[-count:]
        del self._ends[-count:], self._depths[-count:]
        children = _children(rule, values)
        depth = max(depths)
        if rule.inline and len(children) == 1:
            self._push(rule, children[0], start, end, depth)
        elif rule.build is None:
            if rule.item:
                self.items += children
                children = []
            self._push(rule, children, start, end, depth)
        else:
            depth = max(depths[0], *(d + 1 for d in depths[1:])) if rule.flat else depth + 1
            if depth > MAX_DEPTH:
                span = self._file.span(start, end)
                raise SyntaxFailure(nested_too_deep(span, MAX_DEPTH), start)
            self._push(rule, rule.build(start, end, *children), start, end, depth)

    def _push(self, rule: _Reduction, value: Any, start: int, end: int, depth: int) -> None:
        self.states.append(self._tables.gotos[self.states[-1]][rule.nonterminal])
        self._values.append(value)
        self._starts.append(start)
        self._ends.append(end)
        self._depths.append(depth)


def _builder_of(builder: TreeBuilder, rule: Rule) -> Callable[..., Any] | None:
    """Return what builds the node of a rule; None when its children stand for themselves."""
    if not rule.name or (rule.inline and len(rule.children) == 1):
        return None
    build: Callable[..., Any] = getattr(builder, f"make_{rule.name}")
    return build


def _children(rule: _Reduction, values: list[Any]) -> list[Any]:
    """Return the kept values, with lists taken apart; a leading list is extended in place."""
    children: list[Any] = []
    for index in rule.children:
        value = None if index < 0 else values[index]
        if type(value) is not list:
            children.append(value)
        elif children:
            children += value
        else:
            children = value
    return children
