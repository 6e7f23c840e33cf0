"""JSON Schemas as regexes: for programs that hold a regex where others hold a schema.

What is written is one line of JSON; between its marks stands what ``whitespace`` matches. Keywords
that no regex says are refused. ``constraints.json_schema`` enforces far more.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from sglc.constraints import types as t
from sglc.constraints.automaton import Automaton
from sglc.constraints.elimination import regex_of
from sglc.constraints.language import language
from sglc.constraints.python.patterns import searched
from sglc.constraints.schema.formats import FORMATS

_CHAR: Final = r'(?:[^"\\\x00-\x1f]|\\["\\/bfnrt]|\\u00[01][0-9a-fA-F])'
_INTEGER: Final = r"-?(?:0|[1-9][0-9]*)"
_NUMBER: Final = rf"{_INTEGER}(?:\.[0-9]+)?(?:[eE][+-][0-9]+)?"
_NOTES: Final = frozenset(
    (
        "title", "description", "default", "examples", "deprecated", "readOnly", "writeOnly",
        "discriminator", "$schema", "$id", "$comment", "$defs", "definitions",
    )
)  # fmt: skip
_BOUNDS: Final = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf")
_KNOWN: Final = {
    "string": ("minLength", "maxLength", "pattern", "format"),
    "integer": _BOUNDS,
    "number": _BOUNDS,
    "array": ("items", "prefixItems", "minItems", "maxItems"),
    "object": ("properties", "required", "additionalProperties"),
    "boolean": (),
    "null": (),
}
_ANY_DEPTH: Final = 2
_MARKS: Final = r'"\\\x00-\x1f'
_NO_MARKS: Final = {
    ".": rf"[^{_MARKS}\u2028\u2029]",
    "[^": f"[^{_MARKS}",
    "(?s:.*)": f"[^{_MARKS}]*",
    r"\s": " ",
}


class RegexSchemaError(ValueError):
    """A schema that no regex says; ``path`` is the JSON pointer of the place."""

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(f"{path or '#'}: {reason}; `json_schema=` may enforce it")
        self.path = path


def schema_regex(schema: Mapping[str, Any] | bool, whitespace: str = "[ ]?") -> str:
    """Return a regex of JSON that is valid against a schema.

    Keys come in the order of the schema, and no other ones unless ``additionalProperties`` is a
    schema. Strings are as ``json.dumps`` writes them, with or without ``ensure_ascii``'s escapes of
    control characters; of an ``oneOf`` any branch will do.

    Raises:
        RegexSchemaError: a keyword is not known here, or the schema recurs.
    """
    return _Writer(schema if isinstance(schema, Mapping) else {}, whitespace).any(schema, "#", ())


class _Writer:
    def __init__(self, root: Mapping[str, Any], whitespace: str) -> None:
        self._root = root
        self._ws = whitespace
        self._comma = f"{whitespace},{whitespace}"
        self._colon = f"{whitespace}:{whitespace}"

    def any(self, schema: Any, path: str, refs: tuple[str, ...]) -> str:
        """The regex of a subschema; ``refs`` are the references on the way to it."""
        if schema is True:
            return self._json(_ANY_DEPTH)
        if not isinstance(schema, Mapping):
            raise RegexSchemaError(path, "no value is valid")
        if not set(schema) - _NOTES:
            return self._json(_ANY_DEPTH)
        if "$ref" in schema:
            self._check(schema, path, ("$ref",))
            return self._referred(str(schema["$ref"]), path, refs)
        if "const" in schema or "enum" in schema:
            self._check(schema, path, ("const", "enum", "type"))
            values = schema.get("enum", [schema.get("const")])
            return _either([re.escape(json.dumps(v, ensure_ascii=False)) for v in values])
        for word in ("anyOf", "oneOf", "allOf"):
            if word in schema:
                self._check(schema, path, (word,))
                if word == "allOf" and len(schema[word]) > 1:
                    raise RegexSchemaError(f"{path}/allOf", "no regex says all of several schemas")
                parts = enumerate(schema[word])
                return _either([self.any(p, f"{path}/{word}/{i}", refs) for i, p in parts])
        types = schema.get("type")
        if types is None:
            raise RegexSchemaError(path, "it has no type")
        names = [types] if isinstance(types, str) else types
        known = [word for name in names for word in _KNOWN.get(name, ())]
        self._check(schema, path, ("type", *known))
        return _either([self._typed(name, schema, path, refs) for name in names])

    def _check(self, schema: Mapping[str, Any], path: str, known: Sequence[str]) -> None:
        for word in schema:
            if word not in known and word not in _NOTES:
                raise RegexSchemaError(f"{path}/{word}", f"no regex is made of `{word}` here")

    def _referred(self, ref: str, path: str, refs: tuple[str, ...]) -> str:
        if ref in refs:
            raise RegexSchemaError(path, f"{ref} recurs, and no regex does")
        found: Any = self._root
        for part in ref.removeprefix("#").split("/")[1:]:
            name = part.replace("~1", "/").replace("~0", "~")
            if not isinstance(found, Mapping) or name not in found:
                raise RegexSchemaError(path, f"there is no {ref}")
            found = found[name]
        if not ref.startswith("#"):
            raise RegexSchemaError(path, f"{ref} is another document")
        return self.any(found, ref, (*refs, ref))

    def _typed(self, name: str, schema: Mapping[str, Any], path: str, refs: tuple[str, ...]) -> str:
        match name:
            case "string":
                return _string(schema, path)
            case "integer" | "number":
                return _number(name, schema, path)
            case "boolean":
                return "(?:true|false)"
            case "null":
                return "null"
            case "array":
                return self._array(schema, path, refs)
            case "object":
                return self._object(schema, path, refs)
        raise RegexSchemaError(f"{path}/type", f"{name!r} is no type of JSON")

    def _array(self, schema: Mapping[str, Any], path: str, refs: tuple[str, ...]) -> str:
        low, high = schema.get("minItems", 0), schema.get("maxItems")
        first = [
            self.any(item, f"{path}/prefixItems/{i}", refs)
            for i, item in enumerate(schema.get("prefixItems", ()))
        ]
        rest = schema.get("items", True)
        if first:
            if low < len(first) or (rest is not False and high != len(first)):
                raise RegexSchemaError(path, "an array with prefixItems must have just those")
            return rf"\[{self._ws}{self._comma.join(first)}{self._ws}\]"
        item = self.any(rest, f"{path}/items", refs)
        if high == 0:
            return rf"\[{self._ws}\]"
        more = (
            f"(?:{self._comma}{item}){_times(max(low - 1, 0), None if high is None else high - 1)}"
        )
        items = f"{item}{more}"
        return rf"\[{self._ws}{items if low else f'(?:{items})?'}{self._ws}\]"

    def _object(self, schema: Mapping[str, Any], path: str, refs: tuple[str, ...]) -> str:
        properties = schema.get("properties", {})
        others = schema.get("additionalProperties", not properties)
        required = set(schema.get("required", ()))
        if others is True and properties:
            others = False  # stricter: no regex tells further keys from those that are listed
        if others is not False:
            if properties or required:
                raise RegexSchemaError(path, "no regex says which further keys there may be")
            value = self.any(others, f"{path}/additionalProperties", refs)
            pair = f'"{_CHAR}*"{self._colon}{value}'
            return rf"\{{{self._ws}(?:{pair}(?:{self._comma}{pair})*)?{self._ws}\}}"
        unknown = required - set(properties)
        if unknown:
            raise RegexSchemaError(f"{path}/required", f"{min(unknown)!r} is not in properties")
        pairs = [
            (
                f"{re.escape(json.dumps(name, ensure_ascii=False))}{self._colon}"
                f"{self.any(value, f'{path}/properties/{name}', refs)}",
                name in required,
            )
            for name, value in properties.items()
        ]
        return rf"\{{{self._ws}{self._pairs(pairs)}{self._ws}\}}"

    def _pairs(self, pairs: list[tuple[str, bool]]) -> str:
        """Pairs in order, each there if it must be; commas between those that are."""
        firm = next((i for i, (_, must) in enumerate(pairs) if must), None)
        if firm is not None:
            before = "".join(f"(?:{text}{self._comma})?" for text, _ in pairs[:firm])
            return before + self._following(pairs[firm:])
        ways = [self._following([(pairs[i][0], True), *pairs[i + 1 :]]) for i in range(len(pairs))]
        return f"(?:{'|'.join(ways)})?" if ways else ""

    def _following(self, pairs: list[tuple[str, bool]]) -> str:
        (first, _), *others = pairs
        return first + "".join(
            f"{self._comma}{text}" if must else f"(?:{self._comma}{text})?" for text, must in others
        )

    def _json(self, depth: int) -> str:
        plain = rf'"{_CHAR}*"|{_NUMBER}|true|false|null'
        if depth == 0:
            return f"(?:{plain})"
        inner = self._json(depth - 1)
        pair = f'"{_CHAR}*"{self._colon}{inner}'
        array = rf"\[{self._ws}(?:{inner}(?:{self._comma}{inner})*)?{self._ws}\]"
        return rf"(?:{plain}|{array}|\{{{self._ws}(?:{pair}(?:{self._comma}{pair})*)?{self._ws}\}})"


def _either(ways: list[str]) -> str:
    return ways[0] if len(ways) == 1 else f"(?:{'|'.join(ways)})"


def _times(low: int, high: int | None) -> str:
    if high is None:
        return "*" if low == 0 else f"{{{low},}}"
    return f"{{{low},{high}}}"


def _string(schema: Mapping[str, Any], path: str) -> str:
    low, high = schema.get("minLength", 0), schema.get("maxLength")
    if "pattern" not in schema and "format" not in schema:
        return f'"{_CHAR}{_times(low, high)}"'
    made = t.Schema(json.dumps({key: schema[key] for key in schema if key not in _NOTES}))
    written = _written(schema)
    if written is not None and _is_narrower(written, made):
        return written
    return _from_automaton(made, path)


def _written(schema: Mapping[str, Any]) -> str | None:
    """The regex as it is written in the schema, in quotes; it may be wider than the schema."""
    if "pattern" in schema:
        inside = _without_marks(searched(schema["pattern"]).pattern)
    elif schema["format"] in FORMATS:
        inside = FORMATS[schema["format"]]
    else:
        return None
    return f'"(?a:{inside})"'


def _without_marks(pattern: str) -> str:
    """The pattern whose dots and negated classes leave out what JSON escapes."""
    out = re.sub(r"\\.|\[\^|\(\?s:\.\*\)|\.", lambda m: _NO_MARKS.get(m[0], m[0]), pattern)
    return out.replace(r"\Z", "")


def _is_narrower(pattern: str, made: t.Schema) -> bool:
    try:
        whole = Automaton.from_regex(pattern)
        machine = language(made)
        return isinstance(machine, Automaton) and whole.difference(machine).is_empty
    except ValueError:
        return False


def _number(name: str, schema: Mapping[str, Any], path: str) -> str:
    bounds = {word: schema[word] for word in _BOUNDS if word in schema}
    if not bounds:
        return _INTEGER if name == "integer" else _NUMBER
    return _from_automaton(t.Schema(json.dumps({"type": name, **bounds})), path)


def _from_automaton(made: t.Schema, path: str) -> str:
    try:
        machine = language(made)
        assert isinstance(machine, Automaton)
        return _part(regex_of(machine))
    except ValueError as error:
        raise RegexSchemaError(path, str(error)) from None


def _part(pattern: str) -> str:
    return f"(?:{pattern})" if "|" in pattern else pattern
