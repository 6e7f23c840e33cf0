"""Random schemas that use the keywords together, and values near what they ask for."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

KEYS = ("a", "b", "ab", "c")
TEXTS = ("", "a", "b", "ab", "aab", "b1", "é", '"\n')
PATTERNS = ("^a", "b$", "a", "^[ab]*$", "^(a|b1)$", "1|^$", "^(?!ab)", "[^a]")
TYPES = ("null", "boolean", "integer", "number", "string", "array", "object")

NUMBERS = st.one_of(st.integers(-4, 12), st.sampled_from([0.5, -1.5, 2.25, 1.0, 10.75]))
SCALARS = st.one_of(st.none(), st.booleans(), NUMBERS, st.sampled_from(TEXTS))
VALUES: st.SearchStrategy[Any] = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4), st.dictionaries(st.sampled_from(KEYS), inner, max_size=4)
    ),
    max_leaves=6,
)
MAX_LEAVES = 6
_COUNTS = st.integers(0, 3)
_POSITIVE = st.sampled_from([1, 2, 3, 0.5, 0.25, 1.5])


def _plain(inner: st.SearchStrategy[Any]) -> list[st.SearchStrategy[dict[str, Any]]]:
    """One or two keywords each, of draft 7 and later."""

    def word(name: str, values: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
        return st.fixed_dictionaries({name: values})

    names = st.lists(st.sampled_from(KEYS), max_size=2, unique=True)
    maps = st.dictionaries(st.sampled_from(KEYS), inner, min_size=1, max_size=3)
    some = st.lists(inner, min_size=1, max_size=3)
    return [
        word(
            "type",
            st.sampled_from(TYPES) | st.lists(st.sampled_from(TYPES), min_size=1, unique=True),
        ),
        word("type", st.just("object")),
        word("type", st.just("array")),
        word("const", VALUES),
        word("enum", st.lists(VALUES, min_size=1, max_size=3)),
        word("minimum", NUMBERS),
        word("exclusiveMinimum", NUMBERS),
        word("maximum", NUMBERS),
        word("exclusiveMaximum", NUMBERS),
        word("multipleOf", _POSITIVE),
        word("minLength", _COUNTS),
        word("maxLength", _COUNTS),
        word("pattern", st.sampled_from(PATTERNS)),
        word("items", inner),
        word("contains", inner),
        word("minItems", _COUNTS),
        word("maxItems", _COUNTS),
        word("uniqueItems", st.booleans()),
        word("properties", maps),
        word("properties", maps),
        word("required", names),
        word("additionalProperties", inner),
        word("patternProperties", st.dictionaries(st.sampled_from(PATTERNS), inner, max_size=2)),
        word("propertyNames", inner),
        word("minProperties", _COUNTS),
        word("maxProperties", _COUNTS),
        word("allOf", some),
        word("anyOf", some),
        word("oneOf", some),
        word("not", inner),
        st.fixed_dictionaries({"if": inner}, optional={"then": inner, "else": inner}),
    ]


def _later(inner: st.SearchStrategy[Any]) -> list[st.SearchStrategy[dict[str, Any]]]:
    """Keywords of draft 2020-12."""
    names = st.lists(st.sampled_from(KEYS), max_size=2, unique=True)
    some = st.lists(inner, min_size=1, max_size=2)
    return [
        st.fixed_dictionaries({"prefixItems": some}, optional={"items": inner}),
        st.fixed_dictionaries(
            {"contains": inner}, optional={"minContains": _COUNTS, "maxContains": _COUNTS}
        ),
        st.fixed_dictionaries(
            {"dependentRequired": st.dictionaries(st.sampled_from(KEYS), names, max_size=2)}
        ),
        st.fixed_dictionaries(
            {"dependentSchemas": st.dictionaries(st.sampled_from(KEYS), inner, max_size=2)}
        ),
        st.fixed_dictionaries({"unevaluatedItems": inner}),
        st.fixed_dictionaries({"unevaluatedProperties": inner}),
        st.fixed_dictionaries({"unevaluatedProperties": st.just(False)}),
        st.just({"$ref": "#/$defs/a"}),
    ]


def _earlier(inner: st.SearchStrategy[Any]) -> list[st.SearchStrategy[dict[str, Any]]]:
    """Keywords of draft 7."""
    names = st.lists(st.sampled_from(KEYS), max_size=2, unique=True)
    some = st.lists(inner, max_size=2)
    return [
        st.fixed_dictionaries({"items": some}, optional={"additionalItems": inner}),
        st.fixed_dictionaries(
            {"dependencies": st.dictionaries(st.sampled_from(KEYS), names | inner, max_size=2)}
        ),
        st.just({"$ref": "#/definitions/a"}),
    ]


def _schemas(more: Any, definitions: str) -> st.SearchStrategy[Any]:
    def grown(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
        words = st.one_of(*_plain(inner), *more(inner))
        return st.lists(words, min_size=1, max_size=3).map(_merged)

    parts = st.recursive(st.booleans() | st.just({}), grown, max_leaves=MAX_LEAVES)
    whole = parts.filter(lambda schema: isinstance(schema, dict))
    return st.tuples(whole, parts).map(lambda p: {**p[0], definitions: {"a": p[1]}})


def _merged(words: list[dict[str, Any]]) -> dict[str, Any]:
    return {key: value for word in words for key, value in word.items()}


SCHEMAS_2020 = _schemas(_later, "$defs").map(
    lambda s: {"$schema": "https://json-schema.org/draft/2020-12/schema", **s}
)
SCHEMAS_7 = _schemas(_earlier, "definitions").map(
    lambda s: {"$schema": "http://json-schema.org/draft-07/schema#", **s}
)


@st.composite
def values_near(draw: st.DrawFn, schema: Any) -> Any:
    """A value made of what the schema speaks of, or any."""
    spoken = list(_constants(schema))
    pool = VALUES | st.sampled_from(spoken) if spoken else VALUES
    kind = draw(st.sampled_from(["any", "array", "object", "object"]))
    if kind == "array":
        return draw(st.lists(pool, max_size=4))
    if kind == "object":
        return draw(st.dictionaries(st.sampled_from(KEYS), pool, max_size=4))
    return draw(pool)


def _constants(schema: Any) -> Any:
    if isinstance(schema, list):
        for inner in schema:
            yield from _constants(inner)
    elif isinstance(schema, dict):
        for word, inner in schema.items():
            if word == "const":
                yield inner
            elif word == "enum":
                yield from inner
            elif word in ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"):
                yield inner
            else:
                yield from _constants(inner)
