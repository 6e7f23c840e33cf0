"""Versions of streams as symbols: token ids where they are known, regions where they are not.

Two streams that begin with equal symbols begin with equal tokens. What is known is cut by the
tokenizer of the model. Around a gap tokens may be cut in other ways: the ids before it are certain
up to the last commit point of the text (``TextEncoder.commit_points``), those behind it from the
first border on where every pre-tokenizer that has commit points begins anew.
"""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple, Protocol

from sglc.compiler.cost.interval import Interval
from sglc.compiler.cost.versions import Gap, Merge, Version
from sglc.compiler.plan.segments import RoleBegin, RoleEnd, Segment, Special
from sglc.compiler.plan.segments import Text as Said

_BORDER: Final = re.compile(r"(?<=[a-z]) (?=[a-z])|(?<=\n)(?=[A-Za-z])")
_MAX_PIECE: Final = 64  # bytes of a token of a tokenizer that is not at hand
_ROLE_TOKENS: Final = 32  # of what a template writes around a message, when it is not at hand
_GROWS: Final = "\N{MUSICAL SYMBOL HALF NOTE}"  # 4 bytes, 12 when it is normalized
_REWRITTEN: Final = 3  # bytes, and so tokens, of what a byte that is no UTF-8 is replaced by


class TokenizerLike(Protocol):
    """What is asked of a tokenizer; ``runtime.tokenizer.base`` says what it means."""

    @property
    def token_bytes(self) -> Sequence[bytes]: ...

    @property
    def special_ids(self) -> Mapping[str, int]: ...

    def encode(self, text: str, *, continues: bool = False) -> list[int]: ...

    def commit_points(self, text: str, following: Collection[int] | None = None) -> list[int]: ...


class Encoder(Protocol):
    """Turns streams into tokens; ``runtime.tokenizer.prompt.PromptEncoder`` is one."""

    @property
    def tokenizer(self) -> TokenizerLike: ...

    def pieces(self, segments: Sequence[Segment]) -> tuple[list[int], Sequence[Said | Special]]:
        """Return the ids that a stream begins with, and its text and special tokens behind them."""


class Symbol(NamedTuple):
    """A token id, or a region of so many tokens; equal keys, equal tokens.

    ``merge``: a region that is one of several known ways. ``is_decoded``: a model wrote it, at
    least in part; ``is_cached``: its tokens are in the cache, but for the last.
    """

    key: object
    lo: float = 1
    hi: float = 1
    merge: Merge | None = None
    is_decoded: bool = False
    is_cached: bool = False


@dataclass(slots=True)
class Walk:
    """A version as symbols, of which the first ``settled`` stay, whatever is appended.

    ``tail``: the tokens that the rest has where a gap follows.
    """

    symbols: list[Symbol]
    settled: int
    tail: Interval

    @property
    def span(self) -> Interval:
        """How many tokens there are."""
        return Interval(sum(s.lo for s in self.symbols), sum(s.hi for s in self.symbols))


@dataclass(slots=True)
class _Run:
    """Text since the last border: known up to a gap, if there is one."""

    text: str = ""
    continues: bool = False
    parts: list[Said] = field(default_factory=list)  # from before the first gap on

    @property
    def is_known(self) -> bool:
        return not self.parts


class Meter:
    """Cuts versions into symbols. Without an encoder, ranges stand for all text."""

    def __init__(self, encoder: Encoder | None) -> None:
        self.encoder = encoder
        self._ids: dict[tuple[str, bool], list[int]] = {}
        self.max_piece = _MAX_PIECE
        self.growth = 1
        self.has_borders = False
        if encoder is not None:
            tokenizer = encoder.tokenizer
            self.max_piece = max(map(len, tokenizer.token_bytes), default=1)
            table = tokenizer.token_bytes
            size = sum(len(table[token]) for token in tokenizer.encode(_GROWS))
            self.growth = 3 if size > len(_GROWS.encode()) else 1
            self.has_borders = tokenizer.commit_points("a b c d")[-1] > 0

    @property
    def is_bytewise(self) -> bool:
        """Whether every token is a byte: then texts are cut in one way only."""
        return self.encoder is not None and self.max_piece == 1

    def rewritten(self, max_tokens: float, *, is_free: bool) -> float:
        """The most tokens of a text that a model wrote in ``max_tokens`` of them, cut anew.

        ``is_free``: it may hold bytes that are no UTF-8. Where tokens are not bytes it is an
        assumption that the tokenizer cuts a text into at most three times the tokens that a model
        wrote it in; usually it needs fewer.
        """
        return max_tokens * (_REWRITTEN if is_free or not self.is_bytewise else 1)

    def walk(self, version: Version) -> Walk:
        """Return a version as symbols; remembered."""
        if version.walk is None:
            version.walk = self._walk(version.segments())
        return version.walk

    def _walk(self, segments: Sequence[Segment]) -> Walk:
        if self.encoder is None:
            return _ranges(segments)
        opening, pieces = self.encoder.pieces(segments)
        out = [Symbol(token) for token in opening]
        run = _Run()
        for piece in pieces:
            match piece:
                case Special(name):
                    out += self._close(run)
                    token = self.encoder.tokenizer.special_ids.get(name)
                    out.append(Symbol(name if token is None else token))
                    run = _Run(continues=True)
                case Merge(since=since):
                    before = self.walk(since)
                    out = before.symbols[: before.settled]
                    run = _Run(continues=bool(out), parts=[piece])
                case Gap():
                    if run.is_known:
                        settled, rest = self._settle(run)
                        out += settled
                        run = _Run(continues=True, parts=[Said(rest), piece])
                    else:
                        run.parts.append(piece)
                case Said(text):
                    run = self._say(run, text, out)
        settled, rest = self._settle(run) if run.is_known else ([], "")
        tail = self._rest(rest) if run.is_known else self._region(run.parts)
        count = len(out) + len(settled)
        return Walk([*out, *self._close(run)], count, Interval(tail.lo, tail.hi))

    def _say(self, run: _Run, text: str, out: list[Symbol]) -> _Run:
        if run.is_known:
            run.text += text
            return run
        if self.is_bytewise:
            out += self._close(run)
            return _Run(text, continues=True)
        known = ""
        while run.parts and type(run.parts[-1]) is Said:
            known = run.parts.pop().text + known
        known += text
        border = _BORDER.search(known) if self.has_borders else None
        if border is None:
            run.parts.append(Said(known))
            return run
        run.parts.append(Said(known[: border.start()]))
        out += self._close(run)
        return _Run(known[border.start() :], continues=True)

    def _close(self, run: _Run) -> list[Symbol]:
        if run.is_known:
            return [Symbol(token) for token in self._encode(run.text, run.continues)]
        region = self._region(run.parts)
        return [region] if region.hi else []

    def _encode(self, text: str, continues: bool) -> list[int]:
        assert self.encoder is not None
        key = (text, continues)
        found = self._ids.get(key)
        if found is None:
            found = self.encoder.tokenizer.encode(text, continues=continues) if text else []
            self._ids[key] = found
        return found

    def _settle(self, run: _Run) -> tuple[list[Symbol], str]:
        """The symbols of a known run that stay, whatever follows, and the text behind them."""
        assert self.encoder is not None
        ids = self._encode(run.text, run.continues)
        if self.is_bytewise or not ids:
            return [Symbol(token) for token in ids], ""
        if not self.has_borders:
            return [], run.text
        tokenizer = self.encoder.tokenizer
        point = tokenizer.commit_points(run.text)[-1]
        size = len(run.text[:point].encode("utf-8", "replace"))
        ends = list(itertools.accumulate(len(tokenizer.token_bytes[token]) for token in ids))
        if size not in ends:
            return [], run.text
        return [Symbol(token) for token in ids[: ends.index(size) + 1]], run.text[point:]

    def _rest(self, text: str) -> Interval:
        size = len(text.encode("utf-8", "replace"))
        return Interval(-(-size // self.max_piece), size * self.growth)

    def _region(self, parts: Sequence[Said]) -> Symbol:
        """The symbol of texts and gaps that are cut as one."""
        low_bytes, low, high = 0.0, 0.0, 0.0
        merge, is_decoded, is_cached = None, False, False
        names: list[object] = []
        for part in parts:
            match part:
                case Gap(span=span, max_tokens=most):
                    low_bytes += span.lo
                    high += min(span.hi * self.growth, most)
                    is_decoded = is_decoded or part.is_decoded
                    is_cached = part.is_cached
                    names.append(part.identity)
                case Merge():
                    tokens = self.merge_span(part)
                    low, high = low + tokens.lo, high + tokens.hi
                    merge = part
                    names.append(part)
                case _:
                    size = len(part.text.encode("utf-8", "replace"))
                    low_bytes += size
                    high += size * self.growth + (0 if self.is_bytewise or not size else 1)
                    names.append(part.text)
        low += math.ceil(low_bytes / self.max_piece) if not low else 0
        texts = [part for part in parts if type(part) is Said and part.text]
        is_alone = self.is_bytewise and not texts and len(names) <= 2
        cached = is_cached and is_alone
        return Symbol(("region", *names), min(low, high), high, merge, is_decoded, cached)

    def merge_span(self, merge: Merge) -> Interval:
        """How many tokens a merge has behind the settled ones of where it began."""
        begin = self.walk(merge.since).settled
        spans = [self.rest_span(self.walk(version), begin) for version in merge.versions]
        return Interval(min(s.lo for s in spans), max(s.hi for s in spans))

    def rest_span(self, walk: Walk, begin: int) -> Interval:
        """How many tokens a version has behind the first ``begin``, where a gap follows."""
        symbols = walk.symbols[begin : walk.settled]
        own = Interval(sum(s.lo for s in symbols), sum(s.hi for s in symbols))
        return own.plus(walk.tail)


def _ranges(segments: Sequence[Segment]) -> Walk:
    """The symbols of a stream whose tokenizer is not at hand."""
    symbols = list(_range_symbols(segments))
    return Walk(symbols, len(symbols), Interval(0, 0))


def _range_symbols(segments: Sequence[Segment]) -> Iterator[Symbol]:
    out: list[Symbol] = []
    for segment in segments:
        match segment:
            case Gap(span=span, max_tokens=most):
                high = min(span.hi, most)
                out.append(Symbol(("gap", segment.identity), 0, high))
            case Merge(since=since, versions=versions):
                begin = len(list(_range_symbols(since.segments())))
                del out[begin:]
                rests = [list(_range_symbols(v.segments()))[begin:] for v in versions]
                low = min(sum(s.lo for s in rest) for rest in rests)
                high = max(sum(s.hi for s in rest) for rest in rests)
                out.append(Symbol(("merge", segment), low, high, segment))
            case Said(text):
                size = len(text.encode("utf-8", "replace"))
                out.append(Symbol(("text", text), size // _MAX_PIECE, size))
            case RoleBegin(role) | RoleEnd(role):
                out.append(Symbol((type(segment), role), 0, _ROLE_TOKENS))
            case Special(name):
                out.append(Symbol(name))
    return iter(out)
