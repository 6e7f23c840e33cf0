"""Commit points: borders of a text whose tokens stay as they are, whatever is appended.

A pre-tokenizer cuts a text into pre-tokens, from left to right, and every token lies within one.
So a border between pre-tokens is a border between tokens, and what lies before it is settled as
soon as no further text can move it. Which borders those are depends on how far a pattern looks:
the alternatives listed here look at nothing but the run of characters they match, at white space
that reaches the end of the text, and at the two characters behind an apostrophe. A tokenizer with
any other pattern has no commit points.

Where it is known which bytes may follow, the end of the text may be settled too: if none of them
moves the last border, or if there is no token that a border before such a byte would lie within.
Then no merge crosses the border, and what is left of it is cut as if nothing followed.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from itertools import pairwise
from typing import Any, Final

from sglc.runtime.tokenizer.added import AddedTokens
from sglc.runtime.tokenizer.byte_tables import components

_UPPER: Final = r"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]"
_LOWER: Final = r"[\p{Ll}\p{Lm}\p{Lo}\p{M}]"
_SHORT: Final = "(?i:'s|'t|'re|'ve|'m|'ll|'d)"
# Runs: what lies between their matches is left to the next stage.
_RUNS: Final = frozenset({r"\p{N}", r"\p{N}+", r"\p{N}{1,3}", r"\d", r"\d+", "[一-龥぀-ゟ゠-ヿ]+"})
_CASED: Final = frozenset(
    rf"[^\r\n\p{{L}}\p{{N}}]?{letters}{short}"
    for letters in (f"{_UPPER}*{_LOWER}+", f"{_UPPER}+{_LOWER}*")
    for short in ("", f"{_SHORT}?")
)  # which of two such alternatives a word takes is open until its last letter
_ALTERNATIVES: Final = (
    _RUNS
    | _CASED
    | frozenset({"'s", "'t", "'re", "'ve", "'m", "'ll", "'d", _SHORT})
    | frozenset({"(?:'[sS]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD])"})
    | frozenset({r" ?\p{L}+", r" ?\p{N}+", r" ?[^\s\p{L}\p{N}]+"})
    | frozenset({r"[^\r\n\p{L}\p{N}]?\p{L}+", r"[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+"})
    | frozenset({r" ?[^\s\p{L}\p{N}]+[\r\n]*", r" ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*"})
    | frozenset({r" ?[^\s\p{L}\p{N}]+[\r\n/]*"})
    | frozenset({r"\s*[\r\n]+", r"\s*[\r\n]", r"\s+(?!\S)", r"\s+"})
    | frozenset({r"[!\"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+",
                 r"[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+", r" ?[\p{P}\p{S}]+[\r\n]*"})
)  # fmt: skip


class CommitRule:
    """The commit points of one tokenizer; ``of`` tells whether it has any.

    ``inner`` is a ``tokenizers.Tokenizer``; ``added`` are its tokens that are found before a text
    is cut into pre-tokens. ``token_bytes`` are all tokens, None where a pre-token that is a
    token itself is not cut by merges: merges then say nothing of it.
    """

    def __init__(
        self,
        inner: Any,
        added: AddedTokens,
        token_bytes: Sequence[bytes] | None,
        *,
        has_cased_words: bool,
    ) -> None:
        self._cut = inner.pre_tokenizer.pre_tokenize_str
        self._normalizer = inner.normalizer
        self._added = added
        self._token_bytes = token_bytes
        self._has_cased_words = has_cased_words

    @classmethod
    def of(
        cls, data: Mapping[str, Any], inner: Any, token_bytes: Sequence[bytes]
    ) -> CommitRule | None:
        """Return the rule of a tokenizer, given also as the data of its tokenizer.json.

        None where tokens may change far behind the end of a text: no pre-tokenizer, one that is
        not known here, a normalizer other than NFC, or a model that cuts at random.
        """
        stages = [p for p in components(data.get("pre_tokenizer")) if p.get("type") != "Sequence"]
        normalizers = {p.get("type") for p in components(data.get("normalizer"))}
        model = data.get("model") or {}
        if model.get("dropout") or normalizers - {"NFC", "Sequence"}:
            return None
        alternatives: list[str] = []
        for stage in stages:
            if not set(alternatives) <= _RUNS:
                if _alternatives(stage) == []:
                    continue  # ByteLevel at the end, which only renames bytes
                return None  # two stages that look at white space may look at each other's ends
            found = _alternatives(stage)
            if found is None or not set(found) <= _ALTERNATIVES:
                return None
            alternatives += found
        if not alternatives:
            return None
        by_merges = model.get("type") == "BPE" and not model.get("ignore_merges")
        return cls(
            inner,
            AddedTokens(inner),
            token_bytes if by_merges else None,
            has_cased_words=not _CASED.isdisjoint(alternatives),
        )

    def points(self, text: str, following: Collection[int] | None = None) -> list[int]:
        """Return the commit points in ascending order, in characters; the first is 0.

        ``following`` are the bytes that may come next; None is any.
        """
        size = len(text)
        text = text[: _first_surrogate(text)]
        if self._normalizer is not None and (
            len(text) < size or self._normalizer.normalize_str(text) != text
        ):
            return [0]
        found = self._points(text)
        if following is None or len(text) < size or not text or found[-1] == size:
            return found
        pieces, begin, end = self._added.pieces(text)
        if end < size:
            return found
        whole = [*self._settled(text, pieces), *self._begins(text, begin, end), size]
        is_word = self._ends_in_word(text, whole[-2], found[-1])
        for byte in following:
            if is_word and not self._joins(text, byte):
                continue
            if byte >= 128 or not _begins_with(self._points(text + chr(byte)), whole):
                return found
        return whole

    def _points(self, text: str) -> list[int]:
        pieces, begin, end = self._added.pieces(text)
        found = self._settled(text, pieces)
        return [*found, *(begin + point for point in self._piece_points(text[begin:end]))]

    def _settled(self, text: str, pieces: Iterable[tuple[int, int]]) -> list[int]:
        """Return the borders in pieces that added tokens end: nothing looks across one of those."""
        found = [at for begin, end in pieces for at in (*self._begins(text, begin, end), end)]
        return list(dict.fromkeys(found))

    def _begins(self, text: str, begin: int, end: int) -> list[int]:
        """Return where the pre-tokens of a piece begin."""
        return [begin + at for _, (at, _) in self._cut(text[begin:end])]

    def _piece_points(self, text: str) -> list[int]:
        """Return the commit points of a text without added tokens."""
        begins = [begin for _, (begin, _) in self._cut(text)]
        if not begins:
            return [0]
        limit = min(begins[-1], len(text.rstrip()))
        apostrophe = text.find("'", max(0, len(text) - 2))
        if apostrophe >= 0:
            limit = min(limit, apostrophe - 1)  # a word may take it in
        if self._has_cased_words:
            limit = min(limit, _word_from(text))
        if self._normalizer is not None:
            limit = min(limit, _last_starter(text))  # a mark that follows may change it
        return [0, *(begin for begin in begins if 0 < begin <= limit)]

    def _ends_in_word(self, text: str, begin: int, settled: int) -> bool:
        """Whether more text leaves the last pre-token, from ``begin`` on, as it is or lengthens it.

        And nothing before it is open: ``settled`` is the last commit point.
        """
        is_open = text[-1].isspace() or "'" in text[-2:] or self._has_cased_words
        return (
            begin == settled
            and self._normalizer is None
            and not is_open
            and self._added.pieces(text) == ([], 0, len(text))
        )

    def _joins(self, text: str, byte: int) -> bool:
        """Whether some token holds the last byte of ``text`` with ``byte`` behind it."""
        return self._pairs is None or bool(self._pairs[text.encode()[-1] << 8 | byte])

    @cached_property
    def _pairs(self) -> bytearray | None:
        if self._token_bytes is None:
            return None
        pairs = bytearray(1 << 16)
        for token in set(self._token_bytes):
            for left, right in pairwise(token):
                pairs[left << 8 | right] = 1
        return pairs


def _alternatives(stage: Mapping[str, Any]) -> list[str] | None:
    """The alternatives of a stage's pattern; None when it cuts in some other way."""
    match stage.get("type"):
        case "ByteLevel":
            if stage.get("use_regex", True):
                letters = [r" ?\p{L}+", r" ?\p{N}+", r" ?[^\s\p{L}\p{N}]+"]
                return ["'s", "'t", "'re", "'ve", "'m", "'ll", "'d", *letters, r"\s+(?!\S)", r"\s+"]
            return []
        case "Digits":
            return [r"\p{N}"]
        case "Split":
            kept = (stage.get("behavior"), bool(stage.get("invert")))
            pattern = (stage.get("pattern") or {}).get("Regex")
            if kept in (("Isolated", False), ("Removed", True)) and isinstance(pattern, str):
                return list(_split_alternatives(pattern))
    return None


def _split_alternatives(pattern: str) -> Iterator[str]:
    """Cut a pattern at its outermost bars."""
    begin = depth = 0
    in_class = False
    at = 0
    while at < len(pattern):
        char = pattern[at]
        if char == "\\":
            at += 1
        elif in_class:
            in_class = char != "]"
        elif char == "[":
            in_class = True
        elif char in "()":
            depth += 1 if char == "(" else -1
        elif char == "|" and depth == 0:
            yield pattern[begin:at]
            begin = at + 1
        at += 1
    yield pattern[begin:]


def _word_from(text: str) -> int:
    """Return where the letters and marks begin that reach to the end of the text."""
    at = len(text)
    while at and not text[at - 1].isspace() and not _is_plain(text[at - 1]):
        at -= 1
    return at


def _last_starter(text: str) -> int:
    """Return where the last character is that marks are put on; 0 if there is none."""
    at = len(text) - 1
    while at > 0 and unicodedata.combining(text[at]):
        at -= 1
    return max(at, 0)


def _first_surrogate(text: str) -> int:
    """Return where the first lone surrogate is, or the length: it may be half a character."""
    try:
        text.encode()
    except UnicodeEncodeError as error:
        return error.start
    return len(text)


def _begins_with(points: Sequence[int], expected: Sequence[int]) -> bool:
    return list(points[: len(expected)]) == list(expected)


def _is_plain(char: str) -> bool:
    return char.isascii() and not char.isalpha()


def byte_offsets(text: str, points: Sequence[int]) -> list[int]:
    """Return offsets in characters, in ascending order, as offsets in UTF-8 bytes."""
    if text.isascii():
        return list(points)
    offsets: list[int] = []
    at = offset = 0
    for point in points:
        offset += len(text[at:point].encode())
        offsets.append(offset)
        at = point
    return offsets
