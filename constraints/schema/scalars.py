"""The numbers and the strings of a formula: boolean keywords are operations on automata."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from functools import reduce
from typing import Any, Generic, TypeVar

from sglc.constraints.automaton import Automaton, AutomatonTooLarge
from sglc.constraints.schema import numbers
from sglc.constraints.schema.data import exact, kind_of
from sglc.constraints.schema.errors import SchemaError, too_large
from sglc.constraints.schema.formula import Formula, in_order
from sglc.constraints.schema.options import Limits
from sglc.constraints.schema.resources import Resources, Subschema
from sglc.constraints.schema.strings import ALL_STRINGS, NO_STRINGS, Strings
from sglc.constraints.schema.texts import Texts

S = TypeVar("S")


class Scalars(ABC, Generic[S]):
    """Sets of values of one kind, closed under the boolean operations."""

    all: S
    none: S
    type_names: frozenset[str]
    has_dialects = False

    def __init__(self, resources: Resources, limits: Limits) -> None:
        self.resources = resources
        self.limits = limits
        self._known: dict[tuple[Subschema, bool], S] = {}

    @abstractmethod
    def both(self, left: S, right: S) -> S:
        """The values of both."""

    @abstractmethod
    def either(self, left: S, right: S) -> S:
        """The values of either."""

    @abstractmethod
    def opposite(self, values: S) -> S:
        """All other values."""

    @abstractmethod
    def constants(self, values: Iterable[Any]) -> S:
        """These values, those of other kinds left out."""

    @abstractmethod
    def keywords(self, sub: Subschema, surely: bool) -> Iterable[S]:
        """What each keyword for this kind alone allows."""

    def of_formula(self, whole: Formula) -> S:
        """The values of a formula.

        Raises:
            SchemaError: an automaton is too large.
        """
        found = self.all
        for sub, positive in in_order(whole):
            try:
                values = self.of(sub, positive)
                found = self.both(found, values if positive else self.opposite(values))
            except AutomatonTooLarge as error:
                raise too_large(error, sub.pointer) from None
        return found

    def of(self, sub: Subschema, surely: bool = True) -> S:
        """The values of a subschema; not ``surely``: those that some dialect of patterns allows.

        The opposite of what may be allowed is what surely is not.
        """
        if isinstance(sub.raw, bool):
            return self.all if sub.raw else self.none
        key = (sub, surely or not self.has_dialects)
        if key not in self._known:
            try:
                self._known[key] = self._of(*key)
            except AutomatonTooLarge as error:
                raise too_large(error, sub.pointer) from None
        return self._known[key]

    def _of(self, sub: Subschema, surely: bool) -> S:
        words, child = sub.keywords, self.resources.child
        if "type" in words:
            names = words["type"] if isinstance(words["type"], list) else [words["type"]]
            if not self.type_names.intersection(names):
                return self.none
        found = reduce(self.both, self.keywords(sub, surely), self.all)
        if "const" in words:
            found = self.both(found, self.constants([words["const"]]))
        if "enum" in words:
            found = self.both(found, self.constants(words["enum"]))
        for word in ("$ref", "$dynamicRef"):
            if word in words:
                found = self.both(found, self.of(self.resources.follow(sub, word), surely))
        for i in range(len(words.get("allOf", ()))):
            found = self.both(found, self.of(child(sub, "allOf", i), surely))
        if "anyOf" in words:
            parts = (self.of(child(sub, "anyOf", i), surely) for i in range(len(words["anyOf"])))
            found = self.both(found, reduce(self.either, parts, self.none))
        if "oneOf" in words:
            subs = [child(sub, "oneOf", i) for i in range(len(words["oneOf"]))]
            found = self.both(found, self._one(subs, surely))
        if "not" in words:
            found = self.both(found, self.opposite(self.of(child(sub, "not"), not surely)))
        if "if" in words:
            found = self.both(found, self._if(sub, surely))
        return found

    def _one(self, parts: Iterable[Subschema], surely: bool) -> S:
        none, one = self.all, self.none
        for part in parts:
            other = self.opposite(self.of(part, not surely))
            one = self.either(self.both(one, other), self.both(none, self.of(part, surely)))
            none = self.both(none, other)
        return one

    def _if(self, sub: Subschema, surely: bool) -> S:
        condition = self.resources.child(sub, "if")
        yes, no = (
            self.of(self.resources.child(sub, word), surely) if word in sub.raw else self.all
            for word in ("then", "else")
        )
        holds = self.of(condition, surely)
        fails = self.opposite(self.of(condition, not surely))
        return self.either(self.both(holds, yes), self.both(fails, no))


class NumberSets(Scalars[Automaton]):
    """Numbers, as automata of all their numerals."""

    type_names = frozenset(("number", "integer"))

    def __init__(self, resources: Resources, limits: Limits) -> None:
        super().__init__(resources, limits)
        self.all = numbers.numerals()
        self.none = Automaton.empty()

    def both(self, left: Automaton, right: Automaton) -> Automaton:
        if left is self.all or right is self.none:
            return right
        if right is self.all or left is self.none:
            return left
        return left.intersect(right, max_states=self.limits.max_states)

    def either(self, left: Automaton, right: Automaton) -> Automaton:
        if left is self.none or right is self.all:
            return right
        if right is self.none or left is self.all:
            return left
        return left.union(right, max_states=self.limits.max_states)

    def opposite(self, values: Automaton) -> Automaton:
        if values is self.all or values is self.none:
            return self.none if values is self.all else self.all
        return self.all.difference(values, max_states=self.limits.max_states)

    def constants(self, values: Iterable[Any]) -> Automaton:
        found = [exact(value) for value in values if kind_of(value) == "number"]
        return numbers.exactly(found) if found else self.none

    def keywords(self, sub: Subschema, surely: bool) -> Iterable[Automaton]:
        words = sub.keywords
        if "type" in words:
            names = words["type"] if isinstance(words["type"], list) else [words["type"]]
            if "number" not in names:
                yield numbers.integers()
        for word, signs in (
            ("minimum", (0, 1)),
            ("exclusiveMinimum", (1,)),
            ("maximum", (-1, 0)),
            ("exclusiveMaximum", (-1,)),
        ):
            if word in words:
                yield numbers.compared(exact(words[word]), signs)
        if "multipleOf" in words:
            try:
                yield numbers.multiples(exact(words["multipleOf"]))
            except AutomatonTooLarge:
                raise SchemaError(
                    f"the remainders of {words['multipleOf']} are too many to count",
                    sub.at("multipleOf"),
                    "use a step with fewer digits",
                ) from None


class StringSets(Scalars[Strings]):
    """Strings."""

    type_names = frozenset(("string",))
    has_dialects = True
    all = ALL_STRINGS
    none = NO_STRINGS

    def __init__(self, resources: Resources, limits: Limits, texts: Texts) -> None:
        super().__init__(resources, limits)
        self._texts = texts

    def both(self, left: Strings, right: Strings) -> Strings:
        if left.is_surely_empty or right.is_surely_empty:
            return self.none
        return left.intersect(right, self.limits.max_states)

    def either(self, left: Strings, right: Strings) -> Strings:
        return left.union(right, self.limits.max_states)

    def opposite(self, values: Strings) -> Strings:
        return values.complement(self.limits.max_states)

    def constants(self, values: Iterable[Any]) -> Strings:
        found = [value for value in values if isinstance(value, str)]
        if not found:
            return self.none
        plain = [t for t in found if not any("\ud800" <= c <= "\udfff" for c in t)]
        if sum(map(len, plain)) > self.limits.max_states:
            raise AutomatonTooLarge(self.limits.max_states)
        return Strings(inside=Automaton.from_strings(plain))

    def keywords(self, sub: Subschema, surely: bool) -> Iterable[Strings]:
        yield self._texts.of_keywords(sub, surely)
