"""Regular languages as trees over characters, before any automaton is made of them.

The same tree gives the automaton and, without building it, the least and greatest lengths. How a
character is spelled is left to an encoding: as it is, or as JSON strings spell it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby
from typing import Protocol

from sglc.constraints.automaton import Automaton
from sglc.constraints.charset import ANY_TEXT, Ranges, char_automaton, intersect
from sglc.constraints.network import Copies, Fragment, Network, chain
from sglc.constraints.work import MAX_STATES, Work

Span = tuple[int, int | None]  # least and most, None without end


class Encoding(Protocol):
    """How characters are spelled. Equal encodings are equal objects."""

    def __hash__(self) -> int: ...

    def spell(self, text: str) -> str:
        """The text as it is written."""

    def chars(self, ranges: Ranges) -> Automaton:
        """All spellings of one character of a set."""

    def span(self, ranges: Ranges, in_bytes: bool) -> Span | None:
        """Least and most length of those spellings; None if there is none."""

    def recode(self, automaton: Automaton) -> Automaton:
        """The spellings of the members of an automaton over plain text."""


class Plain:
    """Characters stand for themselves."""

    def spell(self, text: str) -> str:
        return text

    def chars(self, ranges: Ranges) -> Automaton:
        return char_automaton(ranges)

    def span(self, ranges: Ranges, in_bytes: bool) -> Span | None:
        inside = intersect(ranges, ANY_TEXT)
        if not inside:
            return None
        if not in_bytes:
            return 1, 1
        return len(chr(inside[0][0]).encode()), len(chr(inside[-1][1]).encode())

    def recode(self, automaton: Automaton) -> Automaton:
        return automaton


PLAIN = Plain()


@dataclass(frozen=True, slots=True, eq=False)
class Node:
    """A set of texts. Caches ask by nodes: those that hold an automaton are equal to none other."""

    def automaton(
        self,
        encoding: Encoding = PLAIN,
        max_states: int = MAX_STATES,
        *,
        work: Work | None = None,
    ) -> Automaton:
        """The automaton of the set. What is left of ``work`` may be less than ``max_states`` need.

        Raises:
            AutomatonTooLarge: it, or one on the way, has more than ``max_states`` states, or they
                are more than the work for as many.
        """
        net = Network(work or Work(max_states))
        return Automaton(net.solve(self.fragment(net, encoding)))

    def fragment(self, net: Network, encoding: Encoding) -> Fragment:
        """The set as a stretch of ``net``."""
        raise NotImplementedError

    def span(self, in_bytes: bool, encoding: Encoding = PLAIN) -> Span | None:
        """Least and most length in bytes or characters; None if the set is empty."""
        raise NotImplementedError


@dataclass(frozen=True, slots=True)
class Text(Node):
    """Exactly this text."""

    text: str

    def fragment(self, net: Network, encoding: Encoding) -> Fragment:
        strings = _strings([self.text], encoding, net.work)
        return net.leaf(strings) if self.text else Fragment((), (), True)

    def span(self, in_bytes: bool, encoding: Encoding = PLAIN) -> Span | None:
        if _has_surrogate(self.text):
            return None
        spelled = encoding.spell(self.text)
        length = len(spelled.encode() if in_bytes else spelled)
        return length, length


@dataclass(frozen=True, slots=True)
class Chars(Node):
    """One character of a set."""

    ranges: Ranges

    def fragment(self, net: Network, encoding: Encoding) -> Fragment:
        return net.leaf(encoding.chars(self.ranges))

    def span(self, in_bytes: bool, encoding: Encoding = PLAIN) -> Span | None:
        return encoding.span(self.ranges, in_bytes)


@dataclass(frozen=True, slots=True)
class Seq(Node):
    """A text of each part, in order."""

    parts: tuple[Node, ...]

    def fragment(self, net: Network, encoding: Encoding) -> Fragment:
        return net.sequence([part.fragment(net, encoding) for part in self.parts])

    def span(self, in_bytes: bool, encoding: Encoding = PLAIN) -> Span | None:
        least, most = 0, 0
        endless = False
        for part in self.parts:
            span = part.span(in_bytes, encoding)
            if span is None:
                return None
            least += span[0]
            endless = endless or span[1] is None
            most += span[1] or 0
        return least, None if endless else most


@dataclass(frozen=True, slots=True)
class Alt(Node):
    """A text of any option; of none, the empty set."""

    options: tuple[Node, ...]

    def fragment(self, net: Network, encoding: Encoding) -> Fragment:
        texts = [option.text for option in self.options if isinstance(option, Text)]
        others = [option for option in self.options if not isinstance(option, Text)]
        parts = [option.fragment(net, encoding) for option in others]
        return net.any_of([net.leaf(_strings(texts, encoding, net.work)), *parts])

    def span(self, in_bytes: bool, encoding: Encoding = PLAIN) -> Span | None:
        spans = [option.span(in_bytes, encoding) for option in self.options]
        some = [span for span in spans if span is not None]
        if not some:
            return None
        mosts = [most for _, most in some if most is not None]
        return min(least for least, _ in some), max(mosts) if len(mosts) == len(some) else None


@dataclass(frozen=True, slots=True)
class Repeat(Node):
    """``least`` to ``most`` texts of ``inner`` in a row, without end if ``most`` is None."""

    inner: Node
    least: int
    most: int | None

    def fragment(self, net: Network, encoding: Encoding) -> Fragment:
        least, most = max(self.least, 0), self.most
        if (most is None and least < 2) or (least, most) == (0, 1):
            inner = self.inner.fragment(net, encoding)
            if most is None:
                net.connect(inner.last, inner.first)
            return inner._replace(empty=inner.empty or least == 0)
        if most is not None and most < max(least, 1):
            return Fragment((), (), least == 0 == most)
        part = _repeatable(self.inner, encoding, net.work)
        copies = most and _chain(self, encoding, net.work)
        if copies:
            return net.leaf(copies)
        if part.start in part.accepting:  # then each copy may be left out: it need not be empty
            part, least = _not_empty(part, net.work), 0
        return net.copies(part, least, most)

    def span(self, in_bytes: bool, encoding: Encoding = PLAIN) -> Span | None:
        least, most = max(self.least, 0), self.most
        if most is not None and most < least:
            return None
        span = self.inner.span(in_bytes, encoding)
        if span is None:
            return (0, 0) if least == 0 else None
        if span[1] == 0 or most == 0:
            return 0, 0
        return least * span[0], None if most is None or span[1] is None else most * span[1]


@dataclass(frozen=True, slots=True)
class Joined(Node):
    """One ``item`` or more with ``between`` in between. Each is in the automaton once."""

    item: Node
    between: Node

    def fragment(self, net: Network, encoding: Encoding) -> Fragment:
        item = self.item.fragment(net, encoding)
        between = self.between.fragment(net, encoding)
        loop = net.sequence([item, between])
        net.connect(loop.last, item.first)
        return item

    def span(self, in_bytes: bool, encoding: Encoding = PLAIN) -> Span | None:
        more = Repeat(seq(self.between, self.item), 0, None)
        return seq(self.item, more).span(in_bytes, encoding)


@dataclass(frozen=True, slots=True)
class Encoded(Node):
    """The texts of ``inner`` in another spelling."""

    inner: Node
    encoding: Encoding

    def fragment(self, net: Network, encoding: Encoding) -> Fragment:
        return self.inner.fragment(net, self.encoding)

    def span(self, in_bytes: bool, encoding: Encoding = PLAIN) -> Span | None:
        return self.inner.span(in_bytes, self.encoding)


@dataclass(frozen=True, slots=True)
class Call(Node):
    """A text of the rule ``name``. Rules may call each other in circles: see ``pushdown``."""

    name: str

    def fragment(self, net: Network, encoding: Encoding) -> Fragment:
        return net.call(self.name)

    def span(self, in_bytes: bool, encoding: Encoding = PLAIN) -> Span | None:
        return 0, None


@dataclass(frozen=True, slots=True)
class Options(Node):
    """Any of the parts or none of them, in order: ``a?b?c?``, at linear cost."""

    parts: tuple[Node, ...]

    def fragment(self, net: Network, encoding: Encoding) -> Fragment:
        last: tuple[int, ...] = ()
        first: tuple[int, ...] = ()
        for part in self.parts:
            gate = net.leaf(_EMPTY_TEXT)
            inner = part.fragment(net, encoding)
            net.connect(last, gate.first)
            net.connect(gate.last, inner.first)
            first = first or gate.first
            last = gate.last + inner.last
        return Fragment(first, last, True)

    def span(self, in_bytes: bool, encoding: Encoding = PLAIN) -> Span | None:
        return seq(*map(optional, self.parts)).span(in_bytes, encoding)


@dataclass(frozen=True, slots=True, eq=False)
class Exactly(Node):
    """The members of an automaton over plain text."""

    members: Automaton

    def fragment(self, net: Network, encoding: Encoding) -> Fragment:
        return net.leaf(encoding.recode(self.members))

    def span(self, in_bytes: bool, encoding: Encoding = PLAIN) -> Span | None:
        spelled = encoding.recode(self.members)
        if spelled.is_empty:
            return None
        least, most = spelled.distances[spelled.start], spelled.longest_len()
        return (least, most) if in_bytes else (-(-least // 4), most)


def seq(*nodes: Node) -> Node:
    """The nodes in order; texts next to each other become one."""
    parts: list[Node] = []
    flat = (p for node in nodes for p in (node.parts if isinstance(node, Seq) else (node,)))
    for is_text, group in groupby(flat, lambda part: isinstance(part, Text)):
        if is_text:
            parts.append(Text("".join(part.text for part in group if isinstance(part, Text))))
        else:
            parts += group
    return parts[0] if len(parts) == 1 else Seq(tuple(parts)) if parts else Text("")


def alt(*nodes: Node) -> Node:
    """Any of the nodes."""
    return nodes[0] if len(nodes) == 1 else Alt(nodes)


def optional(node: Node) -> Node:
    """The node or the empty text."""
    return Repeat(node, 0, 1)


@lru_cache(maxsize=64)
def _repeatable(inner: Node, encoding: Encoding, work: Work) -> Automaton:
    return inner.automaton(encoding, work=work)


@lru_cache(maxsize=64)
def _chain(node: Repeat, encoding: Encoding, work: Work) -> Copies | None:
    part = _repeatable(node.inner, encoding, work)
    return chain(part, max(node.least, 0), node.most or 0, work)


@lru_cache(maxsize=64)
def _not_empty(part: Automaton, work: Work) -> Automaton:
    return part.difference(_EMPTY_TEXT, work=work)


_EMPTY_TEXT = Automaton.from_strings([""])


def _strings(texts: Iterable[str], encoding: Encoding, work: Work) -> Automaton:
    spelled = (encoding.spell(text) for text in texts if not _has_surrogate(text))
    return Automaton.from_strings(spelled, work=work)


_SURROGATE = re.compile("[\ud800-\udfff]")


def _has_surrogate(text: str) -> bool:
    return _SURROGATE.search(text) is not None
