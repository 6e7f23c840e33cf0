"""Whether a value is valid: the plain meaning of the keywords, without any automaton of values.

The compiler asks it about constants, and it checks what no automaton can. Which keys and items
are evaluated is returned by every subschema that holds, as ``unevaluated*`` needs it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from sglc.constraints.schema.data import exact, frozen, kind_of
from sglc.constraints.schema.errors import escape_token
from sglc.constraints.schema.formula import Formula, Literal
from sglc.constraints.schema.resources import Resources, Subschema
from sglc.constraints.schema.texts import Texts

Path = tuple[str | int, ...]
Seen = set[str | int]  # keys or indexes that are evaluated


class Invalid(ValueError):
    """A value that a keyword refuses: where in the value, and which keyword."""

    def __init__(self, path: Path, keyword: str, message: str) -> None:
        super().__init__(message)
        self.path = path
        self.keyword = keyword
        self.message = message

    def __str__(self) -> str:
        where = "".join(f"/{escape_token(str(step))}" for step in self.path)
        return f"the value at `{where}` is not valid: {self.message} ({self.keyword})"


class Judge:
    """Decides about values. ``texts`` gives the strings of patterns and enforced formats."""

    def __init__(self, resources: Resources, texts: Texts) -> None:
        self._resources = resources
        self._texts = texts

    def holds(self, literal: Literal, value: Any) -> bool:
        """Whether the value is as the literal says."""
        try:
            self.check(literal.sub, value, ())
        except Invalid:
            return not literal.positive
        return literal.positive

    def all_hold(self, whole: Formula, value: Any) -> bool:
        """Whether the value is as all literals say."""
        return all(self.holds(literal, value) for literal in whole)

    def check(self, sub: Subschema, value: Any, path: Path) -> Seen:
        """The evaluated keys or indexes of a valid value.

        Raises:
            Invalid: the value is not valid.
        """
        if sub.raw is True:
            return set()
        if sub.raw is False:
            raise Invalid(path, sub.pointer, "no value is allowed here")
        seen: Seen = set()
        rules = {_KEYWORDS[word]: word for word in sub.keywords if word in _KEYWORDS}
        for rule in sorted(rules, key=lambda rule: rules[rule].startswith("unevaluated")):
            rule(self, sub, value, path, seen)
        return seen

    def _try(self, sub: Subschema, value: Any, path: Path) -> Seen | None:
        try:
            return self.check(sub, value, path)
        except Invalid:
            return None

    def _child(self, sub: Subschema, *path: str | int) -> Subschema:
        return self._resources.child(sub, *path)

    # Every keyword: may raise Invalid, and adds what it evaluates to `seen`.

    def _reference(self, sub: Subschema, value: Any, path: Path, seen: Seen) -> None:
        seen |= self.check(self._resources.follow(sub, "$ref"), value, path)

    def _dynamic(self, sub: Subschema, value: Any, path: Path, seen: Seen) -> None:
        seen |= self.check(self._resources.follow(sub, "$dynamicRef"), value, path)

    def _type(self, sub: Subschema, value: Any, path: Path, seen: Seen) -> None:
        if not has_type(sub.raw["type"], value):
            raise Invalid(path, sub.at("type"), f"it must be {_some(sub.raw['type'])}")

    def _enum(self, sub: Subschema, value: Any, path: Path, seen: Seen) -> None:
        wanted = frozen(value)
        if not any(frozen(allowed) == wanted for allowed in sub.raw["enum"]):
            raise Invalid(path, sub.at("enum"), "it is none of the constants")

    def _const(self, sub: Subschema, value: Any, path: Path, seen: Seen) -> None:
        if frozen(value) != frozen(sub.raw["const"]):
            raise Invalid(path, sub.at("const"), "it is not the constant")

    def _all_of(self, sub: Subschema, value: Any, path: Path, seen: Seen) -> None:
        for i in range(len(sub.raw["allOf"])):
            seen |= self.check(self._child(sub, "allOf", i), value, path)

    def _any_of(self, sub: Subschema, value: Any, path: Path, seen: Seen) -> None:
        found = self._each(sub, "anyOf", value, path)
        if not found:
            raise Invalid(path, sub.at("anyOf"), "no branch holds")
        seen.update(*found)

    def _one_of(self, sub: Subschema, value: Any, path: Path, seen: Seen) -> None:
        found = self._each(sub, "oneOf", value, path)
        if len(found) != 1:
            raise Invalid(path, sub.at("oneOf"), f"{len(found)} branches hold, not one")
        seen.update(*found)

    def _each(self, sub: Subschema, word: str, value: Any, path: Path) -> list[Seen]:
        tried = (
            self._try(self._child(sub, word, i), value, path) for i in range(len(sub.raw[word]))
        )
        return [seen for seen in tried if seen is not None]

    def _not(self, sub: Subschema, value: Any, path: Path, seen: Seen) -> None:
        if self._try(self._child(sub, "not"), value, path) is not None:
            raise Invalid(path, sub.at("not"), "what must not hold holds")

    def _if(self, sub: Subschema, value: Any, path: Path, seen: Seen) -> None:
        found = self._try(self._child(sub, "if"), value, path)
        word = "else" if found is None else "then"
        seen |= found or set()
        if word in sub.raw:
            seen |= self.check(self._child(sub, word), value, path)

    def _text(self, sub: Subschema, value: Any, path: Path, seen: Seen) -> None:
        if isinstance(value, str) and not self._texts.of_keywords(sub).accepts(value):
            words = [
                w for w in ("minLength", "maxLength", "pattern", "format") if w in sub.keywords
            ]
            raise Invalid(path, sub.at(words[0]), f"the string is not as {', '.join(words)} say")

    def _number(self, sub: Subschema, value: Any, path: Path, seen: Seen) -> None:
        if isinstance(value, bool) or kind_of(value) != "number":
            return
        number = exact(value)
        for word, is_wrong in _BOUNDS.items():
            if word in sub.keywords and is_wrong(number, exact(sub.raw[word])):
                raise Invalid(path, sub.at(word), f"{value} is not as `{word}` says")

    def _properties(self, sub: Subschema, value: Any, path: Path, seen: Seen) -> None:
        if not isinstance(value, dict):
            return
        words = sub.keywords
        named = words.get("properties", {})
        matching = words.get("patternProperties", {})
        for key, inner in value.items():
            subs = [self._child(sub, "properties", key)] if key in named else []
            subs += [
                self._child(sub, "patternProperties", p)
                for p in matching
                if self._texts.of_pattern(p, sub.at("patternProperties", p)).accepts(key)
            ]
            if not subs and "additionalProperties" in words:
                subs.append(self._child(sub, "additionalProperties"))
            for child in subs:
                self.check(child, inner, (*path, key))
            if subs:
                seen.add(key)

    def _property_names(self, sub: Subschema, value: Any, path: Path, seen: Seen) -> None:
        for key in value if isinstance(value, dict) else ():
            self.check(self._child(sub, "propertyNames"), key, (*path, key))

    def _required(self, sub: Subschema, value: Any, path: Path, seen: Seen) -> None:
        self._need(sub.raw["required"], value, path, sub.at("required"))

    def _need(self, keys: Iterable[str], value: Any, path: Path, at: str) -> None:
        for key in keys if isinstance(value, dict) else ():
            if key not in value:
                raise Invalid(path, at, f"the key {key!r} is missing")

    def _dependent(self, sub: Subschema, value: Any, path: Path, seen: Seen) -> None:
        for word in ("dependentRequired", "dependentSchemas", "dependencies"):
            for key, inner in sub.keywords.get(word, {}).items():
                if not isinstance(value, dict) or key not in value:
                    continue
                if isinstance(inner, list):
                    self._need(inner, value, path, sub.at(word, key))
                else:
                    seen |= self.check(self._child(sub, word, key), value, path)

    def _size(self, sub: Subschema, value: Any, path: Path, seen: Seen) -> None:
        for kind, name in ((dict, "Properties"), (list, "Items")):
            least = sub.keywords.get(f"min{name}", 0)
            most = sub.keywords.get(f"max{name}")
            if isinstance(value, kind) and not (
                least <= len(value) and (most is None or len(value) <= most)
            ):
                word = f"min{name}" if len(value) < least else f"max{name}"
                raise Invalid(path, sub.at(word), f"it has {len(value)}")

    def _unevaluated_properties(self, sub: Subschema, value: Any, path: Path, seen: Seen) -> None:
        for key in value if isinstance(value, dict) else ():
            if key not in seen:
                child = self._child(sub, "unevaluatedProperties")
                self.check(child, value[key], (*path, key))
                seen.add(key)

    def _items(self, sub: Subschema, value: Any, path: Path, seen: Seen) -> None:
        if not isinstance(value, list):
            return
        for i, inner in enumerate(value):
            child = item_of(self._resources, sub, i)
            if child is not None:
                self.check(child, inner, (*path, i))
                seen.add(i)

    def _contains(self, sub: Subschema, value: Any, path: Path, seen: Seen) -> None:
        if not isinstance(value, list):
            return
        child = self._child(sub, "contains")
        found = [i for i, x in enumerate(value) if self._try(child, x, (*path, i)) is not None]
        least, most = sub.keywords.get("minContains", 1), sub.keywords.get("maxContains")
        if len(found) < least or (most is not None and len(found) > most):
            raise Invalid(path, sub.at("contains"), f"{len(found)} items are as it says")
        if sub.draft != "7":
            seen.update(found)

    def _unique(self, sub: Subschema, value: Any, path: Path, seen: Seen) -> None:
        if sub.raw["uniqueItems"] and isinstance(value, list) and has_duplicates(value):
            raise Invalid(path, sub.at("uniqueItems"), "two items are equal")

    def _unevaluated_items(self, sub: Subschema, value: Any, path: Path, seen: Seen) -> None:
        for i, inner in enumerate(value) if isinstance(value, list) else ():
            if i not in seen:
                self.check(self._child(sub, "unevaluatedItems"), inner, (*path, i))
                seen.add(i)


def has_type(names: Any, value: Any) -> bool:
    """Whether a value is of one of the types that ``type`` names."""
    kind = kind_of(value)
    for name in names if isinstance(names, list) else [names]:
        if name == kind or (
            name == "integer" and kind == "number" and exact(value).denominator == 1
        ):
            return True
    return False


def has_duplicates(items: list[Any]) -> bool:
    """Whether two items are equal."""
    return len(set(map(frozen, items))) < len(items)


def item_of(resources: Resources, sub: Subschema, index: int) -> Subschema | None:
    """The subschema that ``sub`` has for the item at ``index``, None if there is none."""
    words = sub.keywords
    prefix = "prefixItems"
    rest = "items"
    if sub.draft == "7":
        prefix, rest = "items", "additionalItems"
        if not isinstance(words.get("items"), list):
            return resources.child(sub, "items") if "items" in words else None
    if index < len(words.get(prefix, ())):
        return resources.child(sub, prefix, index)
    return resources.child(sub, rest) if rest in words else None


def _some(names: Any) -> str:
    return " or ".join(names) if isinstance(names, list) else str(names)


_BOUNDS: dict[str, Callable[[Any, Any], bool]] = {
    "minimum": lambda value, bound: bool(value < bound),
    "maximum": lambda value, bound: bool(value > bound),
    "exclusiveMinimum": lambda value, bound: bool(value <= bound),
    "exclusiveMaximum": lambda value, bound: bool(value >= bound),
    "multipleOf": lambda value, bound: bool((value / bound).denominator != 1),
}
_Rule = Callable[[Judge, Subschema, Any, Path, Seen], None]
_KEYWORDS: dict[str, _Rule] = {
    "$ref": Judge._reference,
    "$dynamicRef": Judge._dynamic,
    "type": Judge._type,
    "enum": Judge._enum,
    "const": Judge._const,
    "allOf": Judge._all_of,
    "anyOf": Judge._any_of,
    "oneOf": Judge._one_of,
    "not": Judge._not,
    "if": Judge._if,
    "required": Judge._required,
    "propertyNames": Judge._property_names,
    "contains": Judge._contains,
    "uniqueItems": Judge._unique,
    "unevaluatedItems": Judge._unevaluated_items,
    "unevaluatedProperties": Judge._unevaluated_properties,
    **dict.fromkeys(("minLength", "maxLength", "pattern", "format"), Judge._text),
    **dict.fromkeys(_BOUNDS, Judge._number),
    **dict.fromkeys(("properties", "patternProperties", "additionalProperties"), Judge._properties),
    **dict.fromkeys(("dependentRequired", "dependentSchemas", "dependencies"), Judge._dependent),
    **dict.fromkeys(("minProperties", "maxProperties", "minItems", "maxItems"), Judge._size),
    **dict.fromkeys(("prefixItems", "items", "additionalItems"), Judge._items),
}
