"""The documents of a schema: their subschemas, identifiers, anchors and references.

A subschema is a place in a document together with what its dynamic references mean there. Places
are made when first asked for, so that a document costs what of it is used.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import unquote, urldefrag, urljoin, urlsplit

from sglc.constraints.schema import keywords
from sglc.constraints.schema.errors import SchemaError, escape_token
from sglc.constraints.schema.options import Draft

_DRAFTS: dict[str, Draft] = {
    "https://json-schema.org/draft/2020-12/schema": "2020-12",
    "http://json-schema.org/draft-07/schema": "7",
    "https://json-schema.org/draft-07/schema": "7",
}
Scope = tuple[tuple[str, "Resource"], ...]  # the outermost resource of each dynamic anchor


class Resource:
    """A schema with an identifier of its own."""

    def __init__(self, uri: str, raw: Any, pointer: str, draft: Draft) -> None:
        self.uri = uri
        self.raw = raw
        self.pointer = pointer
        self.draft = draft
        self.anchors: dict[str, tuple[Any, str]] = {}
        self.dynamic: set[str] = set()


class Subschema:
    """A schema at a place. Compared by identity: equal places are one object."""

    __slots__ = ("id", "pointer", "raw", "resource", "scope")

    def __init__(self, id: int, raw: Any, pointer: str, resource: Resource, scope: Scope) -> None:
        self.id = id
        self.raw = raw
        self.pointer = pointer
        self.resource = resource
        self.scope = scope

    @property
    def draft(self) -> Draft:
        """Whose keywords it is made of."""
        return self.resource.draft

    @property
    def keywords(self) -> dict[str, Any]:
        """Its keywords that assert something, with their values."""
        if isinstance(self.raw, bool):
            return {}
        if self.draft == "7" and "$ref" in self.raw:
            return {"$ref": self.raw["$ref"]}
        known = keywords.ASSERTIONS[self.draft]
        return {key: value for key, value in self.raw.items() if key in known}

    def at(self, *path: str | int) -> str:
        """The pointer of something inside."""
        return "/".join((self.pointer, *(escape_token(str(step)) for step in path)))

    def __repr__(self) -> str:
        return f"Subschema({self.pointer})"


class Resources:
    """All documents that a schema is made of."""

    def __init__(self, schema: Any, others: Mapping[str, Any], draft: Draft, max_depth: int):
        self._others = {urldefrag(uri)[0]: raw for uri, raw in others.items()}
        self._draft = draft
        self._max_depth = max_depth
        self._by_uri: dict[str, Resource] = {}
        self._places: dict[int, tuple[Resource, str]] = {}
        self._known: dict[tuple[int, Resource, Scope], Subschema] = {}
        self._num_made = 0
        nowhere = Resource("", True, "#", draft)
        self.true = self._make(True, "#", nowhere, ())
        self.false = self._make(False, "#", nowhere, ())
        if not keywords.is_schema(schema):
            raise SchemaError(f"a schema is an object or a boolean, not {schema!r}", "#")
        self.root = self.true if schema is True else self.false
        if isinstance(schema, dict):
            top = self._add_document("", schema, "#")
            self.root = self._get(schema, top.pointer, top, self._enter((), top))

    def child(self, parent: Subschema, *path: str | int) -> Subschema:
        """The subschema at ``path`` below ``parent``, with plain references followed."""
        raw = parent.raw
        for step in path:
            raw = raw[step]
        return self._inside(parent, raw, *path)

    def make(self, parent: Subschema, raw: dict[str, Any], *path: str | int) -> Subschema:
        """A subschema that no document has, with other subschemas in it or not."""
        return self._make(raw, parent.at(*path), parent.resource, parent.scope)

    def _inside(self, parent: Subschema, raw: Any, *path: str | int) -> Subschema:
        if isinstance(raw, Subschema):
            return raw
        if isinstance(raw, bool):
            return self.true if raw else self.false
        resource, pointer = self._places.get(id(raw), (parent.resource, parent.at(*path)))
        scope = parent.scope
        if resource is not parent.resource:
            scope = self._enter(scope, resource)
        return self.resolved(self._get(raw, pointer, resource, scope))

    def resolved(self, sub: Subschema) -> Subschema:
        """Where a subschema leads that says no more than a reference; ``true`` if it says nothing.

        Raises:
            SchemaError: the references go round in circles.
        """
        seen: set[Subschema] = set()
        while True:
            words = sub.keywords
            if not words and not isinstance(sub.raw, bool):
                return self.true
            if set(words) != {"$ref"}:
                return sub
            if sub in seen:
                raise SchemaError(
                    "the reference leads back to itself and says nothing about the value",
                    sub.at("$ref"),
                    "refer to a schema with another keyword",
                )
            seen.add(sub)
            sub = self.follow(sub, "$ref")

    def follow(self, sub: Subschema, keyword: str) -> Subschema:
        """What ``$ref`` or ``$dynamicRef`` refers to.

        Raises:
            SchemaError: there is no such thing, or it is in a document that is not at hand.
        """
        keywords.check_keyword(sub.raw, keyword, sub.pointer, sub.draft)
        where = sub.at(keyword)
        uri, fragment = urldefrag(_join(sub.resource.uri, sub.raw[keyword]))
        resource = self._resource(uri, where)
        raw, pointer, home = self._locate(resource, unquote(fragment), where)
        if keyword == "$dynamicRef" and fragment in home.dynamic:
            outermost = dict(sub.scope).get(fragment)
            if outermost is not None:
                home = outermost
                raw, pointer = home.anchors[fragment]
        if isinstance(raw, bool):
            return self.true if raw else self.false
        if not isinstance(raw, dict):
            raise SchemaError(f"{sub.raw[keyword]!r} leads to something that is no schema", where)
        scope = sub.scope
        for entered in dict.fromkeys((resource, home)):
            scope = self._enter(scope, entered)
        return self._get(raw, pointer, home, scope)

    def _get(self, raw: Any, pointer: str, resource: Resource, scope: Scope) -> Subschema:
        key = (id(raw), resource, scope)
        found = self._known.get(key)
        if found is None:
            for word in raw:
                if word in keywords.CHECKS or word in keywords.REFUSED:
                    keywords.check_keyword(raw, word, pointer, resource.draft)
            found = self._known[key] = self._make(raw, pointer, resource, scope)
        return found

    def visited(self) -> Iterator[Subschema]:
        """All subschemas that were asked for, in that order."""
        return iter(self._known.values())

    def _make(self, raw: Any, pointer: str, resource: Resource, scope: Scope) -> Subschema:
        self._num_made += 1
        return Subschema(self._num_made, raw, pointer, resource, scope)

    def _enter(self, scope: Scope, resource: Resource) -> Scope:
        known = dict(scope)
        new = [(name, resource) for name in sorted(resource.dynamic) if name not in known]
        return (*scope, *new) if new else scope

    def _resource(self, uri: str, where: str) -> Resource:
        if uri not in self._by_uri and uri in self._others:
            self._add_document(uri, self._others[uri], uri + "#")
        if uri not in self._by_uri:
            raise SchemaError(
                f"refers to another document, {uri}, and nothing is fetched",
                where,
                "pass it in `resources`, by its URI",
            )
        return self._by_uri[uri]

    def _locate(self, start: Resource, fragment: str, where: str) -> tuple[Any, str, Resource]:
        if fragment and not fragment.startswith("/"):
            if fragment not in start.anchors:
                raise SchemaError(f"there is no anchor `{fragment}` in {start.uri or '#'}", where)
            return (*start.anchors[fragment], start)
        raw, pointer, home = start.raw, start.pointer, start
        for token in fragment.split("/")[1:]:
            step = token.replace("~1", "/").replace("~0", "~")
            if isinstance(raw, dict) and step in raw:
                raw = raw[step]
            elif (
                isinstance(raw, list)
                and step.isascii()
                and step.isdigit()
                and step == str(int(step))
                and int(step) < len(raw)
            ):
                raw = raw[int(step)]
            else:
                raise SchemaError(f"there is nothing at `#{fragment}`", where)
            pointer = f"{pointer}/{escape_token(step)}"
            home, pointer = self._places.get(id(raw), (home, pointer))
        return raw, pointer, home

    def _add_document(self, uri: str, document: Any, pointer: str) -> Resource:
        """Find the identifiers and anchors of a document."""
        top = Resource(uri, document, pointer, self._draft_of(document, self._draft, pointer))
        self._by_uri[uri] = top
        todo: list[tuple[Any, str, Resource, int]] = [(document, pointer, top, 0)]
        limit = 8 * self._max_depth
        while todo:
            raw, pointer, resource, depth = todo.pop()
            if not isinstance(raw, dict):
                continue
            if depth > limit:
                raise SchemaError(f"subschemas nest more than {limit} deep", pointer)
            resource = self._name(raw, pointer, resource)
            if resource.raw is raw and raw is document:
                top = resource
            self._places[id(raw)] = (resource, pointer)
            todo += [(inner, at, resource, depth + 1) for inner, at in _inside(raw, pointer)]
        return top

    def _name(self, raw: dict[str, Any], pointer: str, resource: Resource) -> Resource:
        identifier = raw.get("$id")
        draft = resource.draft
        if isinstance(identifier, str) and not (draft == "7" and "$ref" in raw):
            uri, fragment = urldefrag(_join(resource.uri, identifier))
            if identifier.startswith("#") and draft == "7":
                resource.anchors[fragment] = (raw, pointer)
            elif uri != resource.uri or resource.raw is not raw:
                made = Resource(uri, raw, pointer, self._draft_of(raw, draft, pointer))
                self._by_uri.setdefault(uri, made)
                resource = made
        if resource.draft != "7":
            for word in ("$anchor", "$dynamicAnchor"):
                name = raw.get(word)
                if isinstance(name, str):
                    resource.anchors[name] = (raw, pointer)
                    if word == "$dynamicAnchor":
                        resource.dynamic.add(name)
        return resource

    def _draft_of(self, raw: Any, default: Draft, pointer: str) -> Draft:
        named = raw.get("$schema") if isinstance(raw, dict) else None
        if named is None:
            return default
        uri = urldefrag(str(named))[0]
        if uri not in _DRAFTS:
            raise SchemaError(
                f"`$schema` {named!r} is not supported",
                f"{pointer}/$schema",
                "use draft 2020-12 or draft 7",
            )
        return _DRAFTS[uri]


def _inside(raw: dict[str, Any], pointer: str) -> Iterator[tuple[Any, str]]:
    for word, value in raw.items():
        at = f"{pointer}/{escape_token(word)}"
        if word in keywords.ONE and isinstance(value, dict):
            yield value, at
        elif word in keywords.MANY and isinstance(value, list):
            yield from ((inner, f"{at}/{i}") for i, inner in enumerate(value))
        elif word in keywords.MAPS and isinstance(value, dict):
            yield from ((inner, f"{at}/{escape_token(key)}") for key, inner in value.items())


def _join(base: str, reference: str) -> str:
    if reference.startswith("#") or not reference:
        return base + reference
    return reference if urlsplit(reference).scheme else urljoin(base, reference)
