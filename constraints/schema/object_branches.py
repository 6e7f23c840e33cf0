"""Branches for objects."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from sglc.constraints.schema.branches import Expander, Tools
from sglc.constraints.schema.data import Kind
from sglc.constraints.schema.formula import Formula, Literal, formula
from sglc.constraints.schema.judge import Judge
from sglc.constraints.schema.resources import Subschema
from sglc.constraints.schema.strings import Strings
from sglc.constraints.schema.texts import Texts


@dataclass(frozen=True, slots=True, eq=False)
class Values:
    """What values of keys must be: of named keys, of keys a pattern is found in, of all others.

    Compared by identity, as there may be thousands of names.
    """

    names: Mapping[str, Literal]
    patterns: tuple[tuple[str, Literal], ...]
    rest: Literal


@dataclass(frozen=True, slots=True)
class Keys:
    """Some keys: in which ``pattern`` is found, none of ``names``, none in which one of
    ``without`` is found, as ``literal`` says."""

    pattern: str | None = None
    names: frozenset[str] = frozenset()
    without: tuple[str, ...] = ()
    literal: Literal | None = None


@dataclass(frozen=True, slots=True)
class ObjectBranch:
    """A conjunction about an object. ``some``: there is such a key, with such a value.

    ``seen_all``, ``seen_names``, ``seen_patterns``: the keys that are evaluated.
    """

    values: tuple[Values, ...] = ()
    required: frozenset[str] = frozenset()
    absent: frozenset[str] = frozenset()
    least: int = 0
    most: int | None = None
    names: frozenset[Literal] = frozenset()
    some: frozenset[tuple[Keys, Literal]] = frozenset()
    seen_all: bool = False
    seen_names: frozenset[str] = frozenset()
    seen_patterns: frozenset[str] = frozenset()


class ObjectExpander(Expander[ObjectBranch]):
    """The boolean keywords for objects."""

    kind: Kind = "object"
    true = ObjectBranch()

    def __init__(self, tools: Tools, texts: Texts) -> None:
        super().__init__(tools)
        self._texts = texts
        self._made: dict[tuple[Subschema, int], Subschema] = {}
        self._rules: dict[Subschema, Values] = {}
        self._true = Literal(tools.resources.true, True)

    def value_of(self, branch: ObjectBranch, key: str) -> Formula:
        """What the value of a key must be, if it is there."""
        found: list[Literal] = []
        for rule in branch.values:
            mine = [rule.names[key]] if key in rule.names else []
            for pattern, literal in rule.patterns:
                if self.matches(pattern, key):
                    mine.append(literal)
            found += mine or [rule.rest]
        return formula(found)

    def matches(self, pattern: str, key: str) -> bool:
        """Whether a pattern is found in a key."""
        return self._texts.of_pattern(pattern, pattern).accepts(key)

    def is_key(self, keys: Keys, key: str, judge: Judge) -> bool:
        """Whether ``keys`` means a key."""
        return (
            key not in keys.names
            and (keys.pattern is None or self.matches(keys.pattern, key))
            and not any(self.matches(pattern, key) for pattern in keys.without)
            and (keys.literal is None or judge.holds(keys.literal, key))
        )

    def pattern(self, pattern: str, surely: bool = True) -> Strings:
        """The keys in which a pattern is found; not ``surely``: in one dialect at least."""
        return self._texts.of_pattern(pattern, pattern, surely)

    def merge(self, left: ObjectBranch, right: ObjectBranch) -> ObjectBranch | None:
        facts = self.tools.facts
        required = left.required | right.required
        most = min((m for m in (left.most, right.most) if m is not None), default=None)
        least = max(left.least, right.least)
        if most is not None and max(least, len(required)) > most:
            return None
        values = left.values
        for rule in right.values:
            if rule not in values:
                less = self._unsaid(replace(left, required=required), rule)
                values = (*values, less) if less is not None else values
        whole = ObjectBranch(
            values,
            required,
            left.absent | right.absent,
            least,
            most,
            left.names | right.names,
            left.some | right.some,
            left.seen_all or right.seen_all,
            left.seen_names | right.seen_names,
            left.seen_patterns | right.seen_patterns,
        )
        if required & whole.absent:
            return None
        doubtful = required if values is not left.values else required - left.required
        if any(facts.is_empty(self.value_of(whole, key)) for key in doubtful):
            return None
        absent = frozenset(
            key
            for key in whole.absent
            if key in left.absent or not facts.is_empty(self.value_of(whole, key))
        )
        return whole if absent == whole.absent else replace(whole, absent=absent)

    def _unsaid(self, branch: ObjectBranch, rule: Values) -> Values | None:
        """What of a rule about named keys alone the branch does not say already."""
        if rule.patterns or not rule.rest.is_true:
            return rule
        names = {
            key: literal
            for key, literal in rule.names.items()
            if not self.tools.facts.implies(self.value_of(branch, key), literal)
            or (literal.positive and not any(key in other.names for other in branch.values))
        }
        if len(names) == len(rule.names):
            return rule
        return replace(rule, names=names) if names else None

    def says(self, sub: Subschema, tracked: bool) -> Iterable[list[ObjectBranch]]:
        words, child = sub.keywords, self.tools.resources.child
        rule = self._values(sub)
        if rule is not None:
            yield [self._with_values(sub, rule)]
        if words.get("required"):
            yield [ObjectBranch(required=frozenset(words["required"]))]
        if "minProperties" in words or "maxProperties" in words:
            most = words.get("maxProperties")
            yield [
                ObjectBranch(
                    least=int(words.get("minProperties", 0)),
                    most=None if most is None else int(most),
                )
            ]
        if "propertyNames" in words:
            names = Literal(child(sub, "propertyNames"), True)
            yield [self.true if names.is_true else ObjectBranch(names=frozenset((names,)))]
        for word, key, inner in _dependencies(sub):
            has = ObjectBranch(required=frozenset((key,)))
            lacks = ObjectBranch(absent=frozenset((key,)))
            if isinstance(inner, list):
                yield [lacks, ObjectBranch(required=frozenset((key, *inner)))]
            else:
                part = self.branches(Literal(child(sub, word, key), True), tracked)
                yield [lacks, *self.both([has], part, sub)] if part != [self.true] else [self.true]

    def denies(self, sub: Subschema) -> Iterable[ObjectBranch]:
        words, child = sub.keywords, self.tools.resources.child
        rule = self._values(sub)
        if rule is not None:
            yield from self._against(rule)
        for key in words.get("required", ()):
            yield ObjectBranch(absent=frozenset((key,)))
        if words.get("minProperties"):
            yield ObjectBranch(most=int(words["minProperties"]) - 1)
        if "maxProperties" in words:
            yield ObjectBranch(least=int(words["maxProperties"]) + 1)
        if "propertyNames" in words:
            names = Literal(child(sub, "propertyNames"), False)
            if not names.is_false:
                yield ObjectBranch(some=frozenset(((Keys(literal=names), self._true),)))
        for word, key, inner in _dependencies(sub):
            has = ObjectBranch(required=frozenset((key,)))
            if isinstance(inner, list):
                for other in inner:
                    if other != key:
                        yield replace(has, absent=frozenset((other,)))
            else:
                yield from self.both(
                    [has], self.branches(Literal(child(sub, word, key), False)), sub
                )

    def unevaluated(
        self, sub: Subschema
    ) -> (
        tuple[Callable[[ObjectBranch], ObjectBranch], Callable[[ObjectBranch], list[ObjectBranch]]]
        | None
    ):
        if "unevaluatedProperties" not in sub.keywords:
            return None
        literal = Literal(self.tools.resources.child(sub, "unevaluatedProperties"), True)

        def says(branch: ObjectBranch) -> ObjectBranch:
            values = branch.values
            if not branch.seen_all and not literal.is_true:
                names = dict.fromkeys(sorted(branch.seen_names), self._true)
                patterns = tuple((p, self._true) for p in sorted(branch.seen_patterns))
                values = (*values, Values(names, patterns, literal))
            return replace(branch, values=values, seen_all=True)

        def denies(branch: ObjectBranch) -> list[ObjectBranch]:
            if branch.seen_all or literal.is_true:
                return []
            keys = Keys(names=branch.seen_names, without=tuple(sorted(branch.seen_patterns)))
            return [replace(branch, some=branch.some | {(keys, literal.negated)})]

        return says, denies

    def constant(self, sub: Subschema, word: str, value: Any) -> Subschema:
        key = (sub, id(value))
        if key in self._made:
            return self._made[key]
        raw = {
            "type": "object",
            "properties": {key: {"const": inner} for key, inner in value.items()},
            "required": list(value),
            "additionalProperties": False,
        }
        self._made[key] = self.tools.resources.make(sub, raw, word)
        return self._made[key]

    def forget(self, branch: ObjectBranch) -> ObjectBranch:
        if not (branch.seen_all or branch.seen_names or branch.seen_patterns):
            return branch
        nothing: frozenset[str] = frozenset()
        return replace(branch, seen_all=False, seen_names=nothing, seen_patterns=nothing)

    def _values(self, sub: Subschema) -> Values | None:
        words, child = sub.keywords, self.tools.resources.child
        if not {"properties", "patternProperties", "additionalProperties"}.intersection(words):
            return None
        if sub not in self._rules:
            named, matching = (
                {key: Literal(child(sub, word, key), True) for key in words.get(word, ())}
                for word in ("properties", "patternProperties")
            )
            for pattern in matching:
                self._texts.of_pattern(pattern, sub.at("patternProperties", pattern))
            rest = self._true
            if "additionalProperties" in words:
                rest = Literal(child(sub, "additionalProperties"), True)
            self._rules[sub] = Values(named, tuple(matching.items()), rest)
        return self._rules[sub]

    def _with_values(self, sub: Subschema, rule: Values) -> ObjectBranch:
        return ObjectBranch(
            (rule,),
            seen_all="additionalProperties" in sub.keywords,
            seen_names=frozenset(rule.names),
            seen_patterns=frozenset(pattern for pattern, _ in rule.patterns),
        )

    def _against(self, rule: Values) -> Iterable[ObjectBranch]:
        for key, literal in rule.names.items():
            if literal.is_true:
                continue
            wrong = Values({key: literal.negated}, (), self._true)
            values = () if literal.is_false else (wrong,)
            yield ObjectBranch(values, required=frozenset((key,)))
        for pattern, literal in rule.patterns:
            if not literal.is_true:
                yield ObjectBranch(some=frozenset(((Keys(pattern), literal.negated),)))
        if not rule.rest.is_true:
            keys = Keys(
                names=frozenset(rule.names),
                without=tuple(pattern for pattern, _ in rule.patterns),
            )
            yield ObjectBranch(some=frozenset(((keys, rule.rest.negated),)))


def _dependencies(sub: Subschema) -> Iterable[tuple[str, str, Any]]:
    for word in ("dependentRequired", "dependentSchemas", "dependencies"):
        for key, inner in sub.keywords.get(word, {}).items():
            yield word, key, inner
