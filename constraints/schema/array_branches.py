"""Branches for arrays."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any

from sglc.constraints.schema.branches import Expander, Tools
from sglc.constraints.schema.data import Kind
from sglc.constraints.schema.formula import Formula, Literal, formula
from sglc.constraints.schema.resources import Subschema


@dataclass(frozen=True, slots=True)
class Items:
    """What items must be: the first ones each for itself, then all others."""

    prefix: tuple[Literal, ...]
    rest: Literal

    def at(self, index: int) -> Literal:
        """What is asked of the item at ``index``."""
        return self.prefix[index] if index < len(self.prefix) else self.rest


@dataclass(frozen=True, slots=True)
class Count:
    """``least`` to ``most`` items from ``offset`` on are as the literal says."""

    offset: int
    literal: Literal
    least: int
    most: int | None


@dataclass(frozen=True, slots=True)
class ArrayBranch:
    """A conjunction about an array. ``unique``: no two items are equal; False: two are;
    ``unique_at`` are the pointers of the keywords that say so.

    ``seen_all``, ``seen``, ``seen_like``: the items that are evaluated: all, the first ones, and
    those that are as a literal says.
    """

    items: tuple[Items, ...] = ()
    least: int = 0
    most: int | None = None
    counts: frozenset[Count] = frozenset()
    unique: bool | None = None
    unique_at: frozenset[str] = frozenset()
    seen_all: bool = False
    seen: int = 0
    seen_like: frozenset[Literal] = frozenset()


class ArrayExpander(Expander[ArrayBranch]):
    """The boolean keywords for arrays."""

    kind: Kind = "array"
    true = ArrayBranch()

    def __init__(self, tools: Tools) -> None:
        super().__init__(tools)
        self._true = Literal(tools.resources.true, True)
        self._made: dict[tuple[Subschema, int], Subschema] = {}
        self._unions: dict[Formula, Subschema] = {}

    @staticmethod
    def item_of(branch: ArrayBranch, index: int) -> Formula:
        """What the item at ``index`` must be, if it is there."""
        return formula(items.at(index) for items in branch.items)

    def merge(self, left: ArrayBranch, right: ArrayBranch) -> ArrayBranch | None:
        most = min((m for m in (left.most, right.most) if m is not None), default=None)
        least = max(left.least, right.least)
        if most is not None and least > most:
            return None
        if None not in (left.unique, right.unique) and left.unique != right.unique:
            return None
        items = left.items
        for rule in right.items:
            if rule not in items and not self._is_said(replace(left, least=least), rule):
                items = (*items, rule)
        whole = ArrayBranch(
            items,
            least,
            most,
            left.counts | right.counts,
            left.unique if right.unique is None else right.unique,
            left.unique_at | right.unique_at,
            left.seen_all or right.seen_all,
            max(left.seen, right.seen),
            left.seen_like | right.seen_like,
        )
        longest = max((len(rule.prefix) for rule in items), default=0) + 1
        if (items is not left.items or least != left.least) and any(
            self.tools.facts.is_empty(self.item_of(whole, i)) for i in range(min(least, longest))
        ):
            return None
        return whole

    def _is_said(self, branch: ArrayBranch, rule: Items) -> bool:
        """Whether a rule about the first items alone says what the branch says already."""
        return rule.rest.is_true and all(
            literal.is_true or self.tools.facts.implies(self.item_of(branch, i), literal)
            for i, literal in enumerate(rule.prefix)
        )

    def says(self, sub: Subschema, tracked: bool) -> Iterable[list[ArrayBranch]]:
        words = sub.keywords
        rule, has_rest = self._items(sub)
        if rule is not None:
            yield [ArrayBranch((rule,), seen_all=has_rest, seen=len(rule.prefix))]
        if "minItems" in words or "maxItems" in words:
            most = words.get("maxItems")
            least = int(words.get("minItems", 0))
            yield [ArrayBranch(least=least, most=None if most is None else int(most))]
        if "contains" in words:
            literal, least, limit = self._contains(sub)
            like = frozenset((literal,)) if sub.draft != "7" else frozenset()
            yield [
                replace(branch, seen_like=like) for branch in self._count(0, literal, least, limit)
            ]
        if words.get("uniqueItems"):
            yield [ArrayBranch(unique=True, unique_at=frozenset((sub.at("uniqueItems"),)))]

    def denies(self, sub: Subschema) -> Iterable[ArrayBranch]:
        words = sub.keywords
        rule, _ = self._items(sub)
        if rule is not None:
            for i, literal in enumerate(rule.prefix):
                if not literal.is_true:
                    before = (self._true,) * i
                    items = Items((*before, literal.negated), self._true)
                    yield ArrayBranch(() if literal.is_false else (items,), least=i + 1)
            if not rule.rest.is_true:
                yield from self._count(len(rule.prefix), rule.rest.negated, 1, None)
        if words.get("minItems"):
            yield ArrayBranch(most=int(words["minItems"]) - 1)
        if "maxItems" in words:
            yield ArrayBranch(least=int(words["maxItems"]) + 1)
        if "contains" in words:
            literal, least, limit = self._contains(sub)
            if least:
                yield from self._count(0, literal, 0, least - 1)
            if limit is not None:
                yield from self._count(0, literal, limit + 1, None)
        if words.get("uniqueItems"):
            yield ArrayBranch(unique=False, unique_at=frozenset((sub.at("uniqueItems"),)))

    def unevaluated(
        self, sub: Subschema
    ) -> (
        tuple[Callable[[ArrayBranch], ArrayBranch], Callable[[ArrayBranch], list[ArrayBranch]]]
        | None
    ):
        if "unevaluatedItems" not in sub.keywords:
            return None
        literal = Literal(self.tools.resources.child(sub, "unevaluatedItems"), True)

        def rest(branch: ArrayBranch) -> Literal | None:
            if branch.seen_all or literal.is_true or any(x.is_true for x in branch.seen_like):
                return None
            return self._union(sub, branch.seen_like | {literal})

        def says(branch: ArrayBranch) -> ArrayBranch:
            asked = rest(branch)
            items = branch.items
            if asked is not None:
                items = (*items, Items((self._true,) * branch.seen, asked))
            return replace(branch, items=items, seen_all=True)

        def denies(branch: ArrayBranch) -> list[ArrayBranch]:
            asked = rest(branch)
            if asked is None:
                return []
            counts = self._count(branch.seen, asked.negated, 1, None)
            return [w for count in counts if (w := self.merge(branch, count)) is not None]

        return says, denies

    def constant(self, sub: Subschema, word: str, value: Any) -> Subschema:
        key = (sub, id(value))
        if key in self._made:
            return self._made[key]
        prefix, rest = (
            ("items", "additionalItems") if sub.draft == "7" else ("prefixItems", "items")
        )
        raw: dict[str, Any] = {"type": "array", "minItems": len(value), "maxItems": len(value)}
        if value:
            raw |= {prefix: [{"const": item} for item in value], rest: False}
        self._made[key] = self.tools.resources.make(sub, raw, word)
        return self._made[key]

    def forget(self, branch: ArrayBranch) -> ArrayBranch:
        if not (branch.seen_all or branch.seen or branch.seen_like):
            return branch
        return replace(branch, seen_all=False, seen=0, seen_like=frozenset())

    def _items(self, sub: Subschema) -> tuple[Items | None, bool]:
        """The rule of the keywords for items, and whether it is for all of them."""
        words, child = sub.keywords, self.tools.resources.child
        prefix, rest = "prefixItems", "items"
        if sub.draft == "7":
            prefix, rest = "items", "additionalItems"
            if not isinstance(words.get("items"), list):
                if "items" not in words:
                    return None, False
                return Items((), Literal(child(sub, "items"), True)), True
        if prefix not in words and rest not in words:
            return None, False
        first = tuple(
            Literal(child(sub, prefix, i), True) for i in range(len(words.get(prefix, ())))
        )
        if rest not in words:
            return Items(first, self._true), False
        return Items(first, Literal(child(sub, rest), True)), True

    def _contains(self, sub: Subschema) -> tuple[Literal, int, int | None]:
        words = sub.keywords
        most = words.get("maxContains")
        literal = Literal(self.tools.resources.child(sub, "contains"), True)
        return literal, int(words.get("minContains", 1)), None if most is None else int(most)

    def _count(
        self, offset: int, literal: Literal, least: int, most: int | None
    ) -> list[ArrayBranch]:
        if most is not None and least > most:
            return []
        if literal.is_true:
            upper = None if most is None else offset + most
            return [ArrayBranch(least=offset + least if least else 0, most=upper)]
        if literal.is_false:
            return [] if least else [self.true]
        if most == 0:
            return [ArrayBranch((Items((self._true,) * offset, literal.negated),))]
        if least == 0 and most is None:
            return [self.true]
        return [ArrayBranch(counts=frozenset((Count(offset, literal, least, most),)))]

    def _union(self, sub: Subschema, literals: Formula) -> Literal:
        parts = [literal for literal in literals if not literal.is_false]
        if len(parts) == 1:
            return parts[0]
        if not parts:
            return Literal(self.tools.resources.true, False)
        if literals not in self._unions:
            ordered = sorted(parts, key=lambda literal: literal.sub.id)
            assert all(literal.positive for literal in ordered)
            raw = {"anyOf": [literal.sub for literal in ordered]}
            self._unions[literals] = self.tools.resources.make(sub, raw, "unevaluatedItems")
        return Literal(self._unions[literals], True)
