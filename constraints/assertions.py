"""What reads nothing but must hold where it stands: anchors, word boundaries, looking around.

Every assertion gets a mark, a byte that no UTF-8 text has. A tree with marks in it gives an
automaton of marked texts; from these, the ones in which a mark stands where its assertion fails
are taken away; then the marks are erased. Whether an assertion holds at a place depends on the
text before it and the text after it only, so ``fails`` lists pairs of sets of such texts.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from sglc.constraints.automaton import Automaton
from sglc.constraints.charset import ANY_TEXT, Ranges, invert
from sglc.constraints.erasure import erase
from sglc.constraints.minimize import canonical
from sglc.constraints.network import Fragment, Network, joint_classes
from sglc.constraints.rows import Row, compact
from sglc.constraints.syntax import PLAIN, Chars, Encoding, Node, Repeat, Span, Text, alt, seq
from sglc.constraints.work import Work

MARKS: Final = bytes((0xC0, 0xC1, *range(0xF5, 0x100)))

NOTHING: Final = Text("")
_NEWLINE: Final = Chars(((10, 10),))
_NO_NEWLINE: Final = Chars(invert(((10, 10),)))
ANYTHING: Final = Repeat(Chars(ANY_TEXT), 0, None)
SOMETHING: Final = Repeat(Chars(ANY_TEXT), 1, None)


@dataclass(frozen=True, slots=True)
class Assertion:
    """Fails where the text before is of the first and the text after of the second of a pair."""

    fails: tuple[tuple[Node, Node], ...]


AT_START: Final = Assertion(((SOMETHING, ANYTHING),))
AT_END: Final = Assertion(((ANYTHING, SOMETHING),))
AT_LINE_START: Final = Assertion(((seq(ANYTHING, _NO_NEWLINE), ANYTHING),))
AT_LINE_END: Final = Assertion(((ANYTHING, seq(_NO_NEWLINE, ANYTHING)),))
BEFORE_LAST_NEWLINE: Final = Assertion(
    ((ANYTHING, alt(seq(_NO_NEWLINE, ANYTHING), seq(_NEWLINE, SOMETHING))),)
)


# What is before a beginning and after an end: of the text, of a line, and before a last newline.
LINES_BEFORE: Final = alt(NOTHING, seq(ANYTHING, _NEWLINE))
LINES_AFTER: Final = alt(NOTHING, seq(_NEWLINE, ANYTHING))
LAST_NEWLINE: Final = alt(NOTHING, _NEWLINE)


def boundary(word: Ranges) -> Assertion:
    """Between a character of ``word`` and one that is not, or the beginning or end."""
    (word_before, other_before), (word_after, other_after) = _neighbours(word)
    return Assertion(((word_before, word_after), (other_before, other_after)))


def no_boundary(word: Ranges, *, nor_in_empty: bool) -> Assertion:
    """Where ``boundary`` fails; ``nor_in_empty``: but not in the empty text."""
    (word_before, other_before), (word_after, other_after) = _neighbours(word)
    empty = ((NOTHING, NOTHING),) if nor_in_empty else ()
    return Assertion(((word_before, other_after), (other_before, word_after), *empty))


def look(seen: Node, *, behind: bool, negated: bool) -> Assertion:
    """All that follows, or comes before, is a text of ``seen``; ``negated``: it is not."""
    bad = seen if negated else Unlike(seen)
    return Assertion(((bad, ANYTHING) if behind else (ANYTHING, bad),))


def _neighbours(word: Ranges) -> tuple[tuple[Node, Node], tuple[Node, Node]]:
    inside, outside = Chars(word), Chars(invert(word))
    before = seq(ANYTHING, inside), alt(NOTHING, seq(ANYTHING, outside))
    after = seq(inside, ANYTHING), alt(NOTHING, seq(outside, ANYTHING))
    return before, after


@dataclass(frozen=True, slots=True)
class Unlike(Node):
    """All texts that are none of ``inner``."""

    inner: Node

    def fragment(self, net: Network, encoding: Encoding) -> Fragment:
        every = ANYTHING.automaton(encoding, work=net.work)
        inner = self.inner.automaton(encoding, work=net.work)
        return net.leaf(every.difference(inner, work=net.work))

    def span(self, in_bytes: bool, encoding: Encoding = PLAIN) -> Span | None:
        return 0, None


@dataclass(frozen=True, slots=True)
class Mark(Node):
    """The place of an assertion."""

    byte: int

    def fragment(self, net: Network, encoding: Encoding) -> Fragment:
        return net.leaf(Automaton.from_strings([bytes((self.byte,))]))

    def span(self, in_bytes: bool, encoding: Encoding = PLAIN) -> Span | None:
        return 0, 0


@dataclass(frozen=True, slots=True)
class Asserted(Node):
    """The texts of ``inner`` in which assertion ``i`` holds wherever ``Mark(MARKS[i])`` stands.

    Lengths are those of ``inner`` and safe: the longest and shortest texts may be excluded.
    """

    inner: Node
    assertions: tuple[Assertion, ...]

    def fragment(self, net: Network, encoding: Encoding) -> Fragment:
        marks = MARKS[: len(self.assertions)]
        found = self.inner.automaton(encoding, work=net.work)
        for number, assertion in enumerate(self.assertions):
            for pair in assertion.fails:
                wrong = _wrong(pair, number, marks, encoding, net.work)
                found = found.difference(wrong, work=net.work)
        return net.leaf(erase(found, marks, net.work))

    def span(self, in_bytes: bool, encoding: Encoding = PLAIN) -> Span | None:
        return self.inner.span(in_bytes, encoding)


@lru_cache(maxsize=16)
def _wrong(
    pair: tuple[Node, Node], number: int, marks: bytes, encoding: Encoding, work: Work
) -> Automaton:
    """The marked texts in which mark ``number`` stands between texts of a pair."""
    left, right = (_with_marks(side.automaton(encoding, work=work), marks, work) for side in pair)
    middle = Automaton.from_strings([marks[number : number + 1]])
    return Automaton.sequence([left, middle, right], work=work)


def _with_marks(automaton: Automaton, marks: bytes, work: Work) -> Automaton:
    """The members with any number of marks put in anywhere."""
    is_mark = bytes(byte in marks for byte in range(256))
    classes, first = joint_classes((automaton.classes, is_mark))
    columns = bytes(automaton.classes[byte] for byte in first)
    marked = [is_mark[byte] for byte in first]
    rows: list[Row] = [(bytes(len(first)), ())]
    work.spend(automaton.num_states * (5 + (len(first) >> 3)))
    for state, (pattern, targets) in enumerate(automaton.rows[1:], 1):
        ways = (0, *targets)
        wide = columns.translate(pattern.ljust(256, b"\0"))
        rows.append(compact(state if m else ways[s] for s, m in zip(wide, marked, strict=True)))
    return Automaton(canonical(classes, rows, automaton.accepting, automaton.start, work))
