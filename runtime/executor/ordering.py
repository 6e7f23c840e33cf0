"""The order of the rows of a batch: depth first through the trie of their prompts.

Rows that share a long prefix then run near each other. While the rows below a node of the trie run,
they hold its K/V; once the last one is through, nobody asks for it again. So the cache never has to
give up what is wanted later, and each distinct token is computed once in a pool that has room for
little more than the rows that run. Which row comes first changes no result: a row has its number,
and with it its random numbers.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, Final, NamedTuple

from sglc.compiler.plan.common import common_len
from sglc.compiler.plan.plan import Plan
from sglc.runtime.executor.probe import Known, Probe
from sglc.runtime.executor.stream import Encoder

MAX_ROWS: Final = 10_000  # that are read ahead
MAX_CHARS: Final = 1 << 25  # of their prompts
_SAMPLE: Final = 8  # prompts
_SAMPLE_CHARS: Final = 4_096


class Row(NamedTuple):
    """A row of a batch; ``num_tokens`` of its prompt are not shared with the row before."""

    number: int
    arguments: Mapping[str, Any]
    num_tokens: int = 0


def ordered(
    plan: Plan, rows: Iterable[tuple[int, Mapping[str, Any]]], encoder: Encoder
) -> Iterator[Row]:
    """Yield the rows, as many of them as are read ahead in the order of their prompts."""
    probe = Probe(plan, encoder)
    waiting = iter(rows)
    while True:
        read: list[tuple[int, Mapping[str, Any]]] = []
        known: list[Known] = []
        num_chars = 0
        for row in islice(waiting, MAX_ROWS):
            read.append(row)
            known.append(probe.known(row[1]))
            num_chars += len(known[-1].text)
            if num_chars > MAX_CHARS:
                break
        if not read:
            return
        tokens_per_char = _tokens_per_char(known, encoder)
        before = ""
        for place in depth_first(known):
            text = known[place].text
            own = len(text) - common_len(before, text)
            yield Row(*read[place], round(own * tokens_per_char))
            before = text


def _tokens_per_char(known: Sequence[Known], encoder: Encoder) -> float:
    """Return how many tokens a character is, on a few of the prompts."""
    sample = "".join(row.text for row in known[:_SAMPLE])[:_SAMPLE_CHARS]
    return len(encoder.tokenizer.encode(sample)) / len(sample) if sample else 0.0


def depth_first(known: Sequence[Known]) -> list[int]:
    """Return the places of the rows in the order in which a walk through their trie meets them.

    Of the children of a node the one with the most expected work in a row comes first, so that the
    longest runs do not begin last; of equal ones the one with the first row.
    """
    root = _trie([row.text for row in known])
    nodes = [root]
    for node in nodes:
        nodes += node.children
    for node in reversed(nodes):
        node.children.sort(key=lambda child: child.rank)
        node.rows.sort(key=lambda place: (-known[place].work, place))
        ranks = [(-known[place].work, place) for place in node.rows[:1]]
        node.rank = min(ranks + [child.rank for child in node.children[:1]], default=node.rank)
    order: list[int] = []
    open_nodes = [root]
    while open_nodes:
        node = open_nodes.pop()
        order += node.rows
        open_nodes += reversed(node.children)
    return order


class _Node:
    """The texts that begin with the same ``depth`` characters; those of ``rows`` have no more.

    ``rank`` is the lower, the sooner its rows should begin.
    """

    __slots__ = ("children", "depth", "rank", "rows")

    def __init__(self, depth: int) -> None:
        self.depth = depth
        self.rows: list[int] = []
        self.children: list[_Node] = []
        self.rank = (0, 0)


def _trie(texts: Sequence[str]) -> _Node:
    """Return the root of the trie of the texts; edges hold any number of characters."""
    path = [_Node(0)]  # from the root to the text before
    before = ""
    for place in sorted(range(len(texts)), key=texts.__getitem__):
        text = texts[place]
        depth = common_len(before, text)
        left: _Node | None = None
        while path[-1].depth > depth:
            left = path.pop()
        if path[-1].depth < depth:  # the edge to the node just left is cut in two
            assert left is not None
            upper = _Node(depth)
            upper.children.append(left)
            path[-1].children[-1] = upper
            path.append(upper)
        if len(text) > depth:
            leaf = _Node(len(text))
            path[-1].children.append(leaf)
            path.append(leaf)
        path[-1].rows.append(place)
        before = text
    return path[0]
