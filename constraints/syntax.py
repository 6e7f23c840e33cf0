"""Syntax of a regular language over characters: what a pattern means once it is read."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sglc.constraints.automaton import MAX_STATES, Automaton
from sglc.constraints.charset import Ranges, char_automaton

Span = tuple[int, int | None]  # least and most, None without end


@dataclass(frozen=True, slots=True)
class Node:
    """A set of texts."""

    def automaton(self, max_states: int = MAX_STATES) -> Automaton:
        """The automaton of the set."""
        raise NotImplementedError

    def lengths(self, char: Callable[[Ranges], Span | None]) -> Span | None:
        """Least and most length, where ``char`` measures one character; None if no text."""
        raise NotImplementedError


@dataclass(frozen=True, slots=True)
class Text(Node):
    """Exactly this text."""

    text: str

    def automaton(self, max_states: int = MAX_STATES) -> Automaton:
        if any("\ud800" <= c <= "\udfff" for c in self.text):
            return Automaton.empty()  # no UTF-8 text holds a surrogate
        return Automaton.from_strings([self.text])

    def lengths(self, char: Callable[[Ranges], Span | None]) -> Span | None:
        return total([char(((ord(c), ord(c)),)) for c in self.text])


@dataclass(frozen=True, slots=True)
class Chars(Node):
    """One character of a set."""

    ranges: Ranges

    def automaton(self, max_states: int = MAX_STATES) -> Automaton:
        return char_automaton(self.ranges)

    def lengths(self, char: Callable[[Ranges], Span | None]) -> Span | None:
        return char(self.ranges)


@dataclass(frozen=True, slots=True)
class Seq(Node):
    """A text of each part, in order."""

    parts: tuple[Node, ...]

    def automaton(self, max_states: int = MAX_STATES) -> Automaton:
        parts = [part.automaton(max_states) for part in self.parts]
        return Automaton.sequence(parts, max_states=max_states)

    def lengths(self, char: Callable[[Ranges], Span | None]) -> Span | None:
        return total([part.lengths(char) for part in self.parts])


@dataclass(frozen=True, slots=True)
class Alt(Node):
    """A text of any option."""

    options: tuple[Node, ...]

    def automaton(self, max_states: int = MAX_STATES) -> Automaton:
        options = [option.automaton(max_states) for option in self.options]
        return Automaton.any_of(options, max_states=max_states)

    def lengths(self, char: Callable[[Ranges], Span | None]) -> Span | None:
        return either([option.lengths(char) for option in self.options])


@dataclass(frozen=True, slots=True)
class Repeat(Node):
    """``least`` to ``most`` texts of ``inner`` in a row."""

    inner: Node
    least: int
    most: int | None

    def automaton(self, max_states: int = MAX_STATES) -> Automaton:
        inner = self.inner.automaton(max_states)
        return inner.repeat(self.least, self.most, max_states=max_states)

    def lengths(self, char: Callable[[Ranges], Span | None]) -> Span | None:
        return times(self.inner.lengths(char), self.least, self.most)


def seq(nodes: Sequence[Node]) -> Node:
    """The nodes in order; texts next to each other become one."""
    parts: list[Node] = []
    for node in nodes:
        for part in node.parts if isinstance(node, Seq) else (node,):
            before = parts[-1] if parts else None
            if isinstance(part, Text) and isinstance(before, Text):
                parts[-1] = Text(before.text + part.text)
            else:
                parts.append(part)
    return parts[0] if len(parts) == 1 else Seq(tuple(parts)) if parts else Text("")


def alt(nodes: Sequence[Node]) -> Node:
    """Any of the nodes."""
    return nodes[0] if len(nodes) == 1 else Alt(tuple(nodes))


def total(spans: Sequence[Span | None]) -> Span | None:
    """The length of one after the other."""
    least, most = 0, 0
    endless = False
    for span in spans:
        if span is None:
            return None
        least += span[0]
        endless = endless or span[1] is None
        most += span[1] or 0
    return least, None if endless else most


def either(spans: Sequence[Span | None]) -> Span | None:
    """The length of any of them."""
    some = [span for span in spans if span is not None]
    if not some:
        return None
    mosts = [most for _, most in some if most is not None]
    return min(least for least, _ in some), max(mosts) if len(mosts) == len(some) else None


def times(span: Span | None, least: int, most: int | None) -> Span | None:
    """The length of ``least`` to ``most`` in a row."""
    if most is not None and most < least:
        return None
    if span is None:
        return (0, 0) if least == 0 else None
    if span[1] == 0 or most == 0:
        return 0, 0
    return least * span[0], None if most is None or span[1] is None else most * span[1]
