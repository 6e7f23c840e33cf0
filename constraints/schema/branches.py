"""Alternatives of a position, for arrays or objects: the boolean keywords worked out.

A subschema, or its negation, becomes a list of branches; a value is valid if one of them holds.
``tracked`` branches are exact about which subschemas hold, so that it is known what each has
evaluated; ``unevaluated*`` needs that.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

from sglc.constraints.schema.data import Kind, kind_of
from sglc.constraints.schema.errors import SchemaError
from sglc.constraints.schema.facts import Facts
from sglc.constraints.schema.formula import Formula, Literal, in_order
from sglc.constraints.schema.judge import has_type
from sglc.constraints.schema.options import Limits
from sglc.constraints.schema.resources import Resources, Subschema

_SAMPLES: dict[Kind, Any] = {"array": [], "object": {}}


class Branch(Protocol):
    """A conjunction of what keywords of one kind say."""

    def __hash__(self) -> int: ...


B = TypeVar("B", bound=Branch)


@dataclass(frozen=True, slots=True)
class Tools:
    """What all parts of a compilation share."""

    resources: Resources
    facts: Facts
    limits: Limits


class Expander(ABC, Generic[B]):
    """Makes branches for values of one kind."""

    kind: Kind
    true: B  # says nothing

    def __init__(self, tools: Tools) -> None:
        self.tools = tools
        self._known: dict[tuple[Subschema, bool, bool], list[B]] = {}
        self._of_formulas: dict[Formula, list[B]] = {}

    @abstractmethod
    def merge(self, left: B, right: B) -> B | None:
        """Both; None if plainly no value is as both say. ``left`` itself if it says it all."""

    @abstractmethod
    def says(self, sub: Subschema, tracked: bool) -> Iterable[list[B]]:
        """The branches of each keyword for this kind alone, ``unevaluated*`` left out."""

    @abstractmethod
    def denies(self, sub: Subschema) -> Iterable[B]:
        """The ways to go against a keyword for this kind alone, ``unevaluated*`` left out."""

    @abstractmethod
    def unevaluated(self, sub: Subschema) -> tuple[Callable[[B], B], Callable[[B], list[B]]] | None:
        """What ``unevaluated*`` of ``sub`` adds to a tracked branch, and how that is denied."""

    @abstractmethod
    def constant(self, sub: Subschema, word: str, value: Any) -> Subschema:
        """A subschema for exactly this array or object, which is in keyword ``word``."""

    @abstractmethod
    def forget(self, branch: B) -> B:
        """The branch without what it has evaluated."""

    def of_formula(self, whole: Formula) -> list[B]:
        """The branches of a formula."""
        if whole not in self._of_formulas:
            found = [self.true]
            for literal in in_order(whole):
                found = self.both(found, self.branches(literal), literal.sub)
            self._of_formulas[whole] = list(dict.fromkeys(map(self.forget, found)))
        return self._of_formulas[whole]

    def branches(self, literal: Literal, tracked: bool = False) -> list[B]:
        """The branches of a literal.

        Raises:
            SchemaError: there are too many branches.
        """
        sub, positive = literal
        if isinstance(sub.raw, bool):
            return [self.true] if sub.raw == positive else []
        key = (sub, positive, tracked)
        if key in self._known:
            return self._known[key]
        found = self._holds(sub, tracked) if positive else self._fails(sub)
        self._known[key] = found = list(dict.fromkeys(found))
        return found

    def both(self, left: Iterable[B], right: Sequence[B], sub: Subschema) -> list[B]:
        """The branches of two lists at once.

        Raises:
            SchemaError: too many branches.
        """
        found: dict[B, None] = {}
        for one in left:
            merged: list[B] = []
            for other in right:
                whole = self.merge(one, other)
                if whole == one:
                    merged = [one]  # all others say more
                    break
                if whole is not None:
                    merged.append(whole)
            found.update(dict.fromkeys(merged))
            self._limit(len(found), sub)
        return list(found)

    def _limit(self, count: int, sub: Subschema) -> None:
        limit = self.tools.limits.max_branches
        if count > limit:
            raise SchemaError(
                f"more than {limit} ways to be a valid {self.kind}",
                sub.pointer,
                "tell branches apart by a required key with a `const`",
            )

    def _holds(self, sub: Subschema, tracked: bool) -> list[B]:
        unevaluated = self.unevaluated(sub)
        track = tracked or unevaluated is not None
        found = [self.true]
        for branches in (*self._says_any(sub, track), *self.says(sub, track)):
            found = self.both(found, branches, sub)
            if not found:
                break
        if unevaluated is not None:
            found = [unevaluated[0](branch) for branch in found]
        return found if tracked else [self.forget(branch) for branch in found]

    def _fails(self, sub: Subschema) -> list[B]:
        found: list[B] = []
        for branches in self._denies_any(sub):
            if self.true in branches:
                return [self.true]
            found += branches
        found += self.denies(sub)
        unevaluated = self.unevaluated(sub)
        if unevaluated is not None:
            rest = [self.true]
            for branches in (*self._says_any(sub, True), *self.says(sub, True)):
                rest = self.both(rest, branches, sub)
            found += [self.forget(b) for branch in rest for b in unevaluated[1](branch)]
        self._limit(len(found), sub)
        return found

    # Keywords for all kinds.

    def _says_any(self, sub: Subschema, tracked: bool) -> Iterable[list[B]]:
        words, child = sub.keywords, self.tools.resources.child
        if "type" in words and not has_type(words["type"], _SAMPLES[self.kind]):
            yield []
        for word in ("const", "enum"):
            if word in words:
                subs = self._constants(sub, word)
                yield [b for s in subs for b in self.branches(Literal(s, True))]
        for target in self._targets(sub):
            yield self.branches(Literal(target, True), tracked)
        for i in range(len(words.get("allOf", ()))):
            yield self.branches(Literal(child(sub, "allOf", i), True), tracked)
        if "anyOf" in words:
            yield self._any_of(sub, tracked)
        if "oneOf" in words:
            yield self._one_of(sub, tracked)
        if "not" in words:
            yield self.branches(Literal(child(sub, "not"), False))
        if "if" in words:
            yield self._if(sub, True, tracked)

    def _denies_any(self, sub: Subschema) -> Iterable[list[B]]:
        words, child = sub.keywords, self.tools.resources.child
        if "type" in words and not has_type(words["type"], _SAMPLES[self.kind]):
            yield [self.true]
        for word in ("const", "enum"):
            if word in words:
                yield self._none(sub, self._constants(sub, word))
        for target in self._targets(sub):
            yield self.branches(Literal(target, False))
        for i in range(len(words.get("allOf", ()))):
            yield self.branches(Literal(child(sub, "allOf", i), False))
        if "anyOf" in words:
            yield self._none(sub, self._parts(sub, "anyOf"))
        if "oneOf" in words:
            yield self._not_one(sub)
        if "not" in words:
            yield self.branches(Literal(child(sub, "not"), True))
        if "if" in words:
            yield self._if(sub, False, False)

    def _targets(self, sub: Subschema) -> list[Subschema]:
        words = [word for word in ("$ref", "$dynamicRef") if word in sub.keywords]
        return [self.tools.resources.follow(sub, word) for word in words]

    def _parts(self, sub: Subschema, word: str) -> list[Subschema]:
        return [self.tools.resources.child(sub, word, i) for i in range(len(sub.raw[word]))]

    def _constants(self, sub: Subschema, word: str) -> list[Subschema]:
        values = sub.raw[word] if word == "enum" else [sub.raw[word]]
        return [self.constant(sub, word, v) for v in values if kind_of(v) == self.kind]

    def _none(self, sub: Subschema, parts: Iterable[Subschema]) -> list[B]:
        found = [self.true]
        for part in parts:
            found = self.both(found, self.branches(Literal(part, False)), sub)
        return found

    def _any_of(self, sub: Subschema, tracked: bool) -> list[B]:
        parts = self._parts(sub, "anyOf")
        if not tracked:
            return [b for part in parts for b in self.branches(Literal(part, True))]
        none: list[B] = [self.true]
        some: list[B] = []
        for part in parts:
            yes, no = self.branches(Literal(part, True), True), self.branches(Literal(part, False))
            some = [
                *self.both(some, yes, sub),
                *self.both(some, no, sub),
                *self.both(none, yes, sub),
            ]
            none = self.both(none, no, sub)
            self._limit(len(some), sub)
        return some

    def _one_of(self, sub: Subschema, tracked: bool) -> list[B]:
        parts = self._parts(sub, "oneOf")
        found: list[B] = []
        for i, part in enumerate(parts):
            alone = self.branches(Literal(part, True), tracked)
            for other in (*parts[:i], *parts[i + 1 :]):
                if not alone:
                    break
                alone = self.both(alone, self.branches(Literal(other, False)), sub)
            found += alone
        return found

    def _not_one(self, sub: Subschema) -> list[B]:
        parts = self._parts(sub, "oneOf")
        found = self._none(sub, parts)
        for i, part in enumerate(parts):
            one = self.branches(Literal(part, True))
            for other in parts[i + 1 :] if one else ():
                found += self.both(one, self.branches(Literal(other, True)), sub)
                self._limit(len(found), sub)
        return found

    def _if(self, sub: Subschema, positive: bool, tracked: bool) -> list[B]:
        child, words = self.tools.resources.child, sub.raw
        condition = child(sub, "if")
        if positive and not tracked and "then" not in words and "else" not in words:
            return [self.true]
        found: list[B] = []
        for word, holds in (("then", True), ("else", False)):
            track = tracked and holds
            if word in words:
                part = self.branches(Literal(child(sub, word), positive), tracked)
            else:
                part = [self.true] if positive else []
            if part:
                found += self.both(self.branches(Literal(condition, holds), track), part, sub)
        return found
