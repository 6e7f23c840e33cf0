"""Commit points: borders of a text whose tokens stay as they are, whatever is appended.

A pre-tokenizer cuts a text into pre-tokens, from left to right, and every token lies within one.
So a border between pre-tokens is a border between tokens, and what lies before it is settled as
soon as no further text can move it. Which borders those are depends on how far a pattern looks:
the alternatives listed here look at nothing but the run of characters they match, at white space
that reaches the end of the text, and at the two characters behind an apostrophe. A tokenizer with
any other pattern has no commit points.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

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

    ``inner`` is a ``tokenizers.Tokenizer``; ``added`` are tokens that it finds in any text before
    it cuts that into pre-tokens.
    """

    def __init__(self, inner: Any, added: Iterable[str], *, has_cased_words: bool) -> None:
        self._cut = inner.pre_tokenizer.pre_tokenize_str
        self._normalizer = inner.normalizer
        self._added = tuple(added)
        self._has_cased_words = has_cased_words

    @classmethod
    def of(cls, data: Mapping[str, Any], inner: Any) -> CommitRule | None:
        """Return the rule of a tokenizer, given also as the data of its tokenizer.json.

        None where tokens may change far behind the end of a text: no pre-tokenizer, one that is
        not known here, a normalizer other than NFC, or a model that cuts at random.
        """
        stages = [p for p in components(data.get("pre_tokenizer")) if p.get("type") != "Sequence"]
        normalizers = {p.get("type") for p in components(data.get("normalizer"))}
        if (data.get("model") or {}).get("dropout") or normalizers - {"NFC", "Sequence"}:
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
        added = [t.content for t in inner.get_added_tokens_decoder().values() if not t.special]
        return cls(inner, added, has_cased_words=not _CASED.isdisjoint(alternatives))

    def points(self, text: str) -> list[int]:
        """Return the commit points in ascending order, in characters; the first is 0."""
        if self._normalizer is not None and self._normalizer.normalize_str(text) != text:
            return [0]
        text = text[: self._added_from(text)]
        begins = [begin for _, (begin, _) in self._cut(text)]
        if not begins:
            return [0]
        limit = min(begins[-1], len(text.rstrip()))
        apostrophe = text.find("'", max(0, len(text) - 2))
        if apostrophe >= 0:
            limit = min(limit, apostrophe - 1)  # a word may take it in
        if self._has_cased_words:
            limit = min(limit, _word_from(text))
        return [0, *(begin for begin in begins if 0 < begin <= limit)]

    def _added_from(self, text: str) -> int:
        """Return where the first added token is, or might yet be; the length if nowhere."""
        end = len(text)
        for token in self._added:
            at = text.find(token)
            if at < 0:
                starts = range(max(0, len(text) - len(token) + 1), len(text))
                at = next((i for i in starts if token.startswith(text[i:])), len(text))
            end = min(end, at)
        return end


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
