"""All subschemas that a schema reaches, looked at once before anything is made of them."""

from __future__ import annotations

from collections.abc import Iterator

from sglc.constraints.schema.errors import SchemaError
from sglc.constraints.schema.resources import Resources, Subschema

_ONE = ("not", "if", "then", "else")
_LISTS = ("allOf", "anyOf", "oneOf")
_MAPS = ("dependentSchemas", "dependencies")
_INNER_ONE = ("additionalProperties", "propertyNames", "contains", "additionalItems")
_INNER_MAPS = ("properties", "patternProperties")


def refuse_circles(resources: Resources, max_depth: int) -> None:
    """Visit all subschemas.

    Raises:
        SchemaError: a subschema is wrong, nests too deeply, or leads back to itself for the same
            value, so that it says nothing.
    """
    done: set[Subschema] = set()
    todo = [resources.root]
    while todo:
        path: dict[Subschema, Iterator[Subschema]] = {}
        at: Subschema | None = todo.pop()
        while at is not None or path:
            if at is not None and at not in done:
                if len(path) > max_depth:
                    raise SchemaError("references and applicators nest too deeply", at.pointer)
                path[at] = _in_place(resources, at)
                todo += _inner(resources, at)
                done.add(at)
            last = next(reversed(path), None)
            if last is None:
                break
            at = next(path[last], None)
            if at is None:
                del path[last]
            elif at in path:
                raise SchemaError(
                    "leads back to itself, for the same value",
                    at.pointer,
                    "put the reference into an item or a property",
                )


def _in_place(resources: Resources, sub: Subschema) -> Iterator[Subschema]:
    """The subschemas that are about the same value."""
    words = sub.keywords
    for word in ("$ref", "$dynamicRef"):
        if word in words:
            yield resources.resolved(resources.follow(sub, word))
    for word in _ONE:
        if word in words and ("if" in words or word == "not"):
            yield resources.child(sub, word)
    for word in _LISTS:
        for i in range(len(words.get(word, ()))):
            yield resources.child(sub, word, i)
    for word in _MAPS:
        for key, inner in words.get(word, {}).items():
            if not isinstance(inner, list):
                yield resources.child(sub, word, key)


def _inner(resources: Resources, sub: Subschema) -> Iterator[Subschema]:
    """The subschemas that are about parts of the value."""
    words = sub.keywords
    for word in (*_INNER_ONE, "unevaluatedItems", "unevaluatedProperties"):
        if word in words:
            yield resources.child(sub, word)
    for word in ("items", "prefixItems"):
        if isinstance(words.get(word), list):
            yield from (resources.child(sub, word, i) for i in range(len(words[word])))
        elif word in words:
            yield resources.child(sub, word)
    for word in _INNER_MAPS:
        for key in words.get(word, {}):
            yield resources.child(sub, word, key)
