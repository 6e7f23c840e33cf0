"""The trie of a score's choices, cut into chains that are computed as one sequence each."""

from __future__ import annotations

from dataclasses import dataclass, field

from sglc.runtime.core.events import ScoreResult
from sglc.runtime.core.script import Score
from sglc.runtime.engine.logprobs import TopLogprobs
from sglc.runtime.kvcache.radix import Node


@dataclass(slots=True)
class Choice:
    """A trie node: the token that leads to it, its parent's index and its children by token.

    ``top`` are the most probable tokens after it, if they are wanted.
    """

    token: int
    parent: int
    children: dict[int, int] = field(default_factory=dict)
    logprob: float = 0.0
    top: TopLogprobs = ()


class ChoiceTrie:
    """Choices as a trie; node 0 is the end of the stream. The progress of a score lives here.

    A token that no choice continues is never computed: only what comes before it decides its
    probability. ``pending`` are the chains of inner nodes that are still to be computed, parents
    before children, the first one perhaps without its beginning; ``locked`` the radix nodes at the
    ends of what was computed of them.
    """

    def __init__(self, score: Score) -> None:
        self._score = score
        self.num_top = score.num_top or 0
        self.nodes = [Choice(token=-1, parent=-1)]
        for choice in score.choices:
            at = 0
            for token in choice:
                at = self._child(at, token)
        self.pending = self._chains()
        self.num_inner = sum(map(len, self.pending))
        self.needs_root = bool(self.nodes[0].children)
        self.locked: list[Node] = []

    @property
    def is_complete(self) -> bool:
        """Whether every logit row was asked for."""
        return not self.pending and not self.needs_root

    @property
    def depth(self) -> int:
        """Length of the longest choice."""
        return max(map(len, self._score.choices))

    def path(self, node: int) -> list[int]:
        """Return the tokens that lead to ``node``."""
        tokens: list[int] = []
        while node:
            tokens.append(self.nodes[node].token)
            node = self.nodes[node].parent
        return tokens[::-1]

    def result(self) -> ScoreResult:
        """Return the log probabilities, once all nodes have theirs."""
        rows: list[tuple[float, ...]] = []
        tops: list[tuple[TopLogprobs, ...]] = []
        for choice in self._score.choices:
            at, row, top = 0, [], []
            for token in choice:
                top.append(self.nodes[at].top)
                at = self.nodes[at].children[token]
                row.append(self.nodes[at].logprob)
            rows.append(tuple(row))
            tops.append(tuple(top))
        return ScoreResult(tuple(rows), tuple(tops) if self.num_top else None)

    def _child(self, at: int, token: int) -> int:
        children = self.nodes[at].children
        if token not in children:
            children[token] = len(self.nodes)
            self.nodes.append(Choice(token, at))
        return children[token]

    def _chains(self) -> list[list[int]]:
        chains: list[list[int]] = []
        starts = self._inner_children(0)
        for start in starts:  # grows while it is read: parents come first
            chain = [start]
            while inner := self._inner_children(chain[-1]):
                starts += inner[1:]
                chain.append(inner[0])
            chains.append(chain)
        return chains

    def _inner_children(self, node: int) -> list[int]:
        children = self.nodes[node].children.values()
        return [child for child in children if self.nodes[child].children]
