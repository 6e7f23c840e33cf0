"""Abstract versions of a stream: segments as far as they are known, and gaps where they are not.

A ``Gap`` stands for text that the program does not say itself; a ``Merge`` for what lies between a
version and one of several that came of it, where nobody knows which. Both are texts to whoever cuts
a stream into pieces (they hold a placeholder), so roles around them are rendered as they would be.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from sglc.compiler.cost.interval import ANY, ZERO, Interval
from sglc.compiler.cost.values import Abstract, Known, Text, as_text, most_tokens, text_span
from sglc.compiler.plan.segments import Segment
from sglc.compiler.plan.segments import Text as Said

if TYPE_CHECKING:
    from sglc.compiler.cost.symbols import Walk
    from sglc.compiler.cost.trie import Path

PLACEHOLDER: Final = "\N{OBJECT REPLACEMENT CHARACTER}"


@dataclass(frozen=True, slots=True, eq=False)
class Gap(Said):
    """A text that is not known: so many bytes, so many tokens at most.

    ``value`` is the text as a value of the program; put twice, it is the same text.
    ``is_decoded``: a model wrote it here; ``is_cached``: its tokens but for the last are cached.
    """

    value: Abstract = field(default_factory=Text)
    span: Interval = ANY
    max_tokens: float = math.inf
    is_decoded: bool = False
    is_cached: bool = False

    __eq__ = object.__eq__  # not by the placeholder, as other texts
    __hash__ = object.__hash__

    @property
    def identity(self) -> object:
        """Equal for gaps that hold the same text."""
        is_put = not self.is_decoded and isinstance(self.value, Text)
        return self.value if is_put else self


@dataclass(frozen=True, slots=True, eq=False)
class Merge(Said):
    """What one of ``versions`` has behind ``since``, which all of them came of."""

    since: Version
    versions: tuple[Version, ...]

    __eq__ = object.__eq__
    __hash__ = object.__hash__


@dataclass(slots=True, eq=False)
class Version:
    """A version: the one before it and what was appended.

    ``called`` is the path of the last call on this chain that was surely computed, ``held`` of the
    last one whose stream may go on; ``steps`` the fewest decode steps before the version exists;
    ``walk`` is kept by who cuts it into symbols.
    """

    parent: Version | None = None
    segment: Segment | None = None
    depth: int = 0
    called: Path | None = None
    held: Path | None = None
    steps: float = 0
    walk: Walk | None = None

    def append(self, segment: Segment) -> Version:
        """Return the next version."""
        return Version(self, segment, self.depth + 1, self.called, self.held, self.steps)

    def put(self, value: Abstract) -> Version:
        """Return the version with a value appended as text."""
        text = as_text(value)
        if isinstance(text, Known):
            return self.append(Said(text.value))
        return self.append(Gap(PLACEHOLDER, text, text_span(text), most_tokens(text)))

    def segments(self) -> list[Segment]:
        """Return all segments from the start; before a merge, those of its first version."""
        found: list[Segment] = []
        version: Version | None = self
        while version is not None:
            segment = version.segment
            if segment is not None:
                found.append(segment)
            version = version.parent
            if isinstance(segment, Merge):
                version = segment.versions[0]
        found.reverse()
        return found

    def since(self, start: Version) -> Abstract:
        """The plain text that was added after ``start``."""
        added: list[Said] = []
        version: Version | None = self
        while version is not None and version is not start:
            if isinstance(version.segment, Said):
                added.append(version.segment)
            version = version.parent
        if version is None:
            return Text()
        if not any(isinstance(segment, Gap | Merge) for segment in added):
            return Known("".join(segment.text for segment in reversed(added)))
        if len(added) == 1 and isinstance(added[0], Gap):
            return added[0].value
        span, most = ZERO, 0.0
        for segment in added:
            span = span.plus(_span(segment))
            most += _most_tokens(segment)
        return Text(span, most)


def _span(segment: Said) -> Interval:
    match segment:
        case Gap(span=span):
            return span
        case Merge(since=since, versions=versions):
            spans = [text_span(version.since(since)) for version in versions]
            return Interval(min(s.lo for s in spans), max(s.hi for s in spans))
    return Interval.exactly(len(segment.text.encode("utf-8", "surrogatepass")))


def _most_tokens(segment: Said) -> float:
    match segment:
        case Gap(max_tokens=most):
            return most
        case Merge(since=since, versions=versions):
            return max(most_tokens(version.since(since)) for version in versions)
    return _span(segment).hi


def join_versions(a: Version, b: Version) -> Version:
    """The version that is ``a`` or ``b``."""
    if a is b:
        return a
    versions = tuple(dict.fromkeys((*_alternatives(a), *_alternatives(b))))
    since: Version | None = versions[0]
    for version in versions[1:]:
        since = _common(since, version)
    return merged(since if since is not None else Version(), versions)


def merged(since: Version, versions: tuple[Version, ...]) -> Version:
    """A version that is one of ``versions``, all of which came of ``since``."""
    merge = Merge(PLACEHOLDER, since, versions)
    steps = min(version.steps for version in versions)
    held = max((version.held or () for version in versions), key=len)
    return Version(since, merge, since.depth + 1, since.called, held or None, steps)


def _alternatives(version: Version) -> tuple[Version, ...]:
    segment = version.segment
    return segment.versions if isinstance(segment, Merge) else (version,)


def _common(a: Version | None, b: Version | None) -> Version | None:
    """The last version that both came of, if there is one."""
    while a is not b and a is not None and b is not None:
        if a.depth >= b.depth:
            a = a.parent
        else:
            b = b.parent
    return a if a is b else None
