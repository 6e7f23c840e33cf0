"""What is plain about subschemas: which kinds of values they allow, and which few values.

Used to leave out alternatives early. Never wrong, but not complete: a formula that is not known
to be empty may be empty all the same.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sglc.constraints.schema.data import KINDS, Kind, frozen, kind_of
from sglc.constraints.schema.formula import Formula, Literal, formula, in_order, is_false
from sglc.constraints.schema.judge import Judge
from sglc.constraints.schema.resources import Resources, Subschema

_ALL: frozenset[Kind] = frozenset(KINDS)
_MAX_DEPTH = 12
MAX_VALUES = 256


class Facts:
    """Facts of the subschemas of one schema, found once."""

    def __init__(self, resources: Resources, judge: Judge) -> None:
        self._resources = resources
        self._judge = judge
        self._kinds: dict[Subschema, frozenset[Kind]] = {}
        self._values: dict[Subschema, tuple[Any, ...] | None] = {}
        self._candidates: dict[Formula, tuple[Any, ...] | None] = {}

    def kinds(self, sub: Subschema) -> frozenset[Kind]:
        """All kinds of which there may be a valid value."""
        if sub not in self._kinds:
            self._kinds[sub] = self._find_kinds(sub)
        return self._kinds[sub]

    def _find_kinds(self, sub: Subschema) -> frozenset[Kind]:
        if isinstance(sub.raw, bool):
            return _ALL if sub.raw else frozenset()
        words, found = sub.keywords, _ALL
        if "type" in words:
            names = words["type"] if isinstance(words["type"], list) else [words["type"]]
            named = {"number" if name == "integer" else name for name in names}
            found = frozenset(kind for kind in KINDS if kind in named)
        if "const" in words:
            found &= {kind_of(words["const"])}
        if "enum" in words:
            found &= {kind_of(value) for value in words["enum"]}
        if "$ref" in words:
            found &= self.kinds(self._resources.follow(sub, "$ref"))
        for i in range(len(words.get("allOf", ()))):
            found &= self.kinds(self._resources.child(sub, "allOf", i))
        for word in ("anyOf", "oneOf"):
            if word in words and found:
                parts = (self._resources.child(sub, word, i) for i in range(len(words[word])))
                found &= frozenset().union(*map(self.kinds, parts))
        return found

    def values(self, sub: Subschema, depth: int = 0) -> tuple[Any, ...] | None:
        """A few values of which the valid ones are some; None if they are not known."""
        if sub not in self._values:
            self._values[sub] = self._find_values(sub, depth)
        return self._values[sub]

    def _find_values(self, sub: Subschema, depth: int) -> tuple[Any, ...] | None:
        words = sub.keywords
        if "const" in words:
            return (words["const"],)
        if "enum" in words:
            return tuple(words["enum"]) if len(words["enum"]) <= MAX_VALUES else None
        if words.get("type") in ("boolean", "null"):
            return (True, False) if words["type"] == "boolean" else (None,)
        if depth > _MAX_DEPTH:
            return None
        if "$ref" in words:
            found = self.values(self._resources.follow(sub, "$ref"), depth + 1)
            if found is not None:
                return found
        for i in range(len(words.get("allOf", ()))):
            found = self.values(self._resources.child(sub, "allOf", i), depth + 1)
            if found is not None:
                return found
        for word in ("anyOf", "oneOf"):
            if word in words:
                parts = [
                    self.values(self._resources.child(sub, word, i), depth + 1)
                    for i in range(len(words[word]))
                ]
                if sum(MAX_VALUES + 1 if p is None else len(p) for p in parts) <= MAX_VALUES:
                    return tuple(value for part in parts for value in part or ())
        return None

    def candidates(self, whole: Formula) -> tuple[Any, ...] | None:
        """All values of a formula that has only a few, each once; None if it may have more."""
        if whole not in self._candidates:
            self._candidates[whole] = self._find_candidates(whole)
        return self._candidates[whole]

    def _find_candidates(self, whole: Formula) -> tuple[Any, ...] | None:
        known = [self.values(literal.sub) for literal in in_order(whole) if literal.positive]
        few = [values for values in known if values is not None]
        if not few:
            return None
        smallest = {frozen(value): value for value in min(few, key=len)}
        return tuple(v for v in smallest.values() if self._judge.all_hold(whole, v))

    def is_empty(self, whole: Formula) -> bool:
        """Whether the formula plainly has no value."""
        if is_false(whole):
            return True
        found = self.candidates(whole)
        if found is not None:
            return not found
        return not self.kinds_of(whole)

    def kinds_of(self, whole: Iterable[Literal]) -> frozenset[Kind]:
        """All kinds of which a formula may have a value."""
        found = _ALL
        for literal in whole:
            if literal.positive:
                found &= self.kinds(literal.sub)
            elif set(literal.sub.keywords) == {"type"} and "number" not in (
                excluded := self.kinds(literal.sub)
            ):
                found -= excluded
        return found

    def implies(self, whole: Formula, literal: Literal) -> bool:
        """Whether all values of a formula plainly are as the literal says."""
        if literal in whole or literal.is_true:
            return True
        return self.is_empty(formula((*whole, literal.negated)))
