"""Patterns of the whole syntax that a regex may have, wrong ones among them, and texts for them."""

from __future__ import annotations

import random

LETTERS = "abABkKKsSſßẞéÉσςΣ1٣_ -,{}😀ıİ"
ESCAPES = (
    r"\d", r"\D", r"\w", r"\W", r"\s", r"\S", r"\n", r"\t", r"\x41", r"\u00e9", r"\U0001F600",
    r"\101", r"\0", r"\.", r"\-", r"\\", r"\{", r"\]", r"\ ", r"\#", r"\v", r"\x0b",
)  # fmt: skip
ASSERTIONS = ("^", "$", r"\A", r"\Z", r"\b", r"\B", "^", "$")
QUANTIFIERS = ("*", "+", "?", "{2}", "{1,2}", "{,2}", "{1,}", "*?", "+?", "??", "{0,2}?", "{0}")
FLAGS = ("i", "s", "m", "x", "a", "u", "im", "-i", "s-m", "i-s", "ai", "-x", "ux")
RANGES = (
    "a-k",
    "A-Z",
    "é-σ",
    "0-9",
    "ß-ẞ",
    "-",
    "K",
    " -/",
    "ſ",
    "😀-😂",
    "\n",
    "^",
    "[",
    "&&",
    "||",
)
LITERALS = ("{", "}", "{,", "{a}", "{1", "{1,2", "a{}", "]", "-", ",")
TEXT = "abABkKKsSſßẞéÉσςΣ1٣_ -,{}😀ıİ\n\t.\\]A#\x00\x0b"


class PatternWriter:
    """Writes random patterns, with ``rng`` as the only source of chance."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self._names = 0

    def pattern(self, size: int) -> str:
        """A pattern of about ``size`` constructs."""
        prefix = ""
        if self._rng.random() < 0.3:
            prefix = f"(?{self._rng.choice(('i', 's', 'm', 'x', 'a', 'ims', 'ai', 'ux', 'mx'))})"
        return prefix + self._alternatives(size)

    def _alternatives(self, size: int) -> str:
        rng = self._rng
        if size > 2 and rng.random() < 0.25:
            split = rng.randrange(size)
            return f"{self._alternatives(split)}|{self._alternatives(size - max(split, 1))}"
        return "".join(self._piece(max(size // 2, 1)) for _ in range(min(size, rng.randint(1, 3))))

    def _piece(self, size: int) -> str:
        rng = self._rng
        roll = rng.random()
        if roll < 0.1:
            return rng.choice(ASSERTIONS)
        if roll < 0.14:
            return self._look(size)
        if roll < 0.17:
            return rng.choice(("(?#note)", " ", "# a\n", "\n"))
        piece = self._atom(size)
        if rng.random() < 0.35:
            piece += rng.choice(QUANTIFIERS)
        return piece

    def _look(self, size: int) -> str:
        kind = self._rng.choice(("=", "!", "<=", "<!"))
        inner = self._atom(0) if "<" in kind else self._alternatives(size)
        return f"(?{kind}{inner})"

    def _atom(self, size: int) -> str:
        rng = self._rng
        if size > 1 and rng.random() < 0.5:
            return self._group(self._alternatives(size - 1))
        roll = rng.random()
        if roll < 0.4:
            return rng.choice(LETTERS)
        if roll < 0.6:
            return rng.choice(ESCAPES)
        if roll < 0.7:
            return "."
        if roll < 0.75:
            return rng.choice(LITERALS)
        return self._set()

    def _group(self, inner: str) -> str:
        rng = self._rng
        roll = rng.random()
        if roll < 0.3:
            return f"({inner})"
        if roll < 0.6:
            return f"(?:{inner})"
        if roll < 0.7:
            self._names += 1
            return f"(?P<n{self._names}>{inner})"
        return f"(?{rng.choice(FLAGS)}:{inner})"

    def _set(self) -> str:
        rng = self._rng
        items = [
            rng.choice((rng.choice(RANGES), rng.choice(ESCAPES), rng.choice(LETTERS)))
            for _ in range(rng.randint(1, 4))
        ]
        return f"[{rng.choice(('', '', '^'))}{rng.choice(('', '', ']'))}{''.join(items)}]"


def mutated(member: str, rng: random.Random) -> str:
    """The text with a character put in, taken out or replaced."""
    at = rng.randrange(len(member) + 1)
    return member[:at] + rng.choice(("", *TEXT)) + member[at + rng.randrange(2) :]


def random_text(rng: random.Random) -> str:
    """A short text of characters that the patterns are about."""
    return "".join(rng.choice(TEXT) for _ in range(rng.randrange(6)))
