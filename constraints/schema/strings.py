"""Sets of strings: lengths apart from the rest, so that plain lengths cost no automaton."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache

from sglc.constraints import charset, json_text
from sglc.constraints.assertions import ANYTHING
from sglc.constraints.automaton import Automaton
from sglc.constraints.shortened import Shortened
from sglc.constraints.syntax import Chars, Exactly, Node, Repeat, Text, seq


@lru_cache(maxsize=1)
def any_text() -> Automaton:
    """Any text, as an automaton."""
    return ANYTHING.automaton()


@dataclass(frozen=True, slots=True)
class Strings:
    """The strings of ``least`` to ``most`` characters that ``inside`` accepts, None: it accepts
    all; but for those that are ``excluded``.
    """

    least: int = 0
    most: int | None = None
    inside: Automaton | None = None
    excluded: frozenset[str] = frozenset()

    @property
    def is_all(self) -> bool:
        """Whether no string is left out."""
        return self == ALL_STRINGS

    @property
    def is_plain(self) -> bool:
        """Whether all lengths are allowed."""
        return self.least == 0 and self.most is None

    @property
    def is_surely_empty(self) -> bool:
        """Whether there is plainly no string; it may be that there is none all the same."""
        return (self.most is not None and self.most < self.least) or (
            self.inside is not None and self.inside.is_empty
        )

    def automaton(self, max_states: int) -> Automaton:
        """All of them in UTF-8.

        Raises:
            AutomatonTooLarge: more than ``max_states`` states.
        """
        if self.is_plain:
            found = any_text() if self.inside is None else self.inside
        else:
            found = _bounded(self.inside, self.least, self.most, max_states)
        if not self.excluded:
            return found
        return found.difference(Automaton.from_strings(self.excluded), max_states=max_states)

    def intersect(self, other: Strings, max_states: int) -> Strings:
        """The strings of both."""
        mosts = [most for most in (self.most, other.most) if most is not None]
        inside = self.inside or other.inside
        if self.inside is not None and other.inside is not None:
            inside = self.inside.intersect(other.inside, max_states=max_states)
        least, most = max(self.least, other.least), min(mosts, default=None)
        return Strings(least, most, inside, self.excluded | other.excluded)

    def without(self, names: frozenset[str]) -> Strings:
        """All of these strings but for some."""
        names = frozenset(name for name in names if self.accepts(name))
        return replace(self, excluded=self.excluded | names) if names else self

    def union(self, other: Strings, max_states: int) -> Strings:
        """The strings of either."""
        if self.is_all or other.is_all:
            return ALL_STRINGS
        if self.is_surely_empty or other.is_surely_empty:
            return other if self.is_surely_empty else self
        parts = (self.automaton(max_states), other.automaton(max_states))
        return Strings(inside=parts[0].union(parts[1], max_states=max_states))

    def complement(self, max_states: int) -> Strings:
        """All other strings."""
        if self.is_all:
            return NO_STRINGS
        if self.is_surely_empty:
            return ALL_STRINGS
        if self.inside is None and not self.excluded:
            if self.most is None:
                return Strings(most=self.least - 1)
            if self.least == 0:
                return Strings(least=self.most + 1)
        return Strings(
            inside=any_text().difference(self.automaton(max_states), max_states=max_states)
        )

    def accepts(self, text: str) -> bool:
        """Whether the string is one of them."""
        if len(text) < self.least or (self.most is not None and len(text) > self.most):
            return False
        if text in self.excluded or any("\ud800" <= c <= "\udfff" for c in text):
            return False
        return self.inside is None or self.inside.accepts(text.encode())

    def node(self, max_states: int) -> Node:
        """How they are written, in quotes; strings that only a length bounds with any escape."""
        if self.inside is None and not self.excluded:
            return json_text.any_string(self.least, self.most)
        if self.inside is None and self.is_plain:
            spelled = Automaton.from_strings(map(json_text.ESCAPED.spell, sorted(self.excluded)))
            return seq(Text('"'), Exactly(_any_escaped().difference(spelled)), Text('"'))
        if self.most is not None and not self.excluded and _is_raw(self.inside):
            longer = Strings(self.least, None, self.inside).automaton(max_states)
            longest = longer.longest_len()
            if longest is not None and longest <= self.most:
                return seq(Text('"'), Exactly(longer), Text('"'))
            if longer.num_states * self.most > MAX_PRODUCT:
                return seq(Text('"'), Shortened(longer, self.most), Text('"'))
        return json_text.string(Exactly(self.automaton(max_states)))


MAX_PRODUCT = 4_000  # states times characters up to which their product is made at once
ALL_STRINGS = Strings()
NO_STRINGS = Strings(inside=Automaton.empty())


_RAW = frozenset(range(0x20, 0x7F)) - {0x22, 0x5C}


@lru_cache(maxsize=256)
def _is_raw(texts: Automaton) -> bool:
    """Whether all characters are single bytes that stand in JSON as they are."""
    used = {pattern for pattern, _ in texts.rows}
    return all(byte in _RAW or not any(p[c] for p in used) for byte, c in enumerate(texts.classes))


@lru_cache(maxsize=1)
def _any_escaped() -> Automaton:
    return json_text.ESCAPED.recode(any_text())


@lru_cache(maxsize=256)
def _bounded(inside: Automaton | None, least: int, most: int | None, max_states: int) -> Automaton:
    lengths = Repeat(Chars(charset.ANY_TEXT), least, most).automaton(max_states=max_states)
    return lengths if inside is None else inside.intersect(lengths, max_states=max_states)
