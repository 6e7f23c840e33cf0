"""The prefix tree of the prompts of recorded runs: what they share, and what of it was reused.

A node is a run of tokens that all prompts which reach it have in common. What a cache that forgets
nothing would reuse is a matter of counting: of the tokens of a node, asked for by several prompts,
all but those of the first; all of them, if the model itself wrote them. Beside it stands what the
engine did reuse: the beginning of each prompt, as its call counted it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from sglc.runtime.executor.records import CallRecord, RunRecord
from sglc.runtime.executor.said import in_order
from sglc.runtime.tokenizer.base import TokenizerLike

MAX_TOKENS: Final = 2_000_000  # of prompts and results that are looked at
MAX_NODES: Final = 3_000
MAX_CHARS: Final = 200  # of the text of a node

Ids = tuple[int, ...]


@dataclass(eq=False, slots=True)
class PrefixNode:
    """``ids`` behind those of ``parent``. Counts are tokens of this node over all prompts.

    ``asked``: prompts that reach it; ``reused`` and ``expected``: tokens that were, or could have
    been, in the cache; ``is_written``: the model wrote them before a prompt held them;
    ``calls``: the calls, by run and number, whose prompts end here.
    """

    ids: Ids
    parent: PrefixNode | None
    asked: int = 0
    reused: int = 0
    expected: int = 0
    is_written: bool = False
    calls: list[tuple[int, int]] = field(default_factory=list)
    children: dict[int, PrefixNode] = field(default_factory=dict)


class PrefixTree:
    """A tree of token sequences. All are inserted before the first is walked."""

    def __init__(self) -> None:
        self.root = PrefixNode((), None)
        self.num_nodes = 1

    def insert(self, ids: Ids) -> None:
        """Add a sequence."""
        node = self.root
        while ids:
            child = node.children.get(ids[0])
            if child is None:
                node.children[ids[0]] = PrefixNode(ids, node)
                self.num_nodes += 1
                return
            shared = _common(child.ids, ids)
            if shared < len(child.ids):
                child = self._split(child, shared)
            node, ids = child, ids[shared:]

    def path(self, ids: Ids) -> list[PrefixNode]:
        """Return the nodes of a sequence that was inserted, below the root."""
        node, found = self.root, []
        while ids:
            node = node.children[ids[0]]
            found.append(node)
            ids = ids[len(node.ids) :]
        return found

    def _split(self, node: PrefixNode, count: int) -> PrefixNode:
        assert node.parent is not None
        upper = PrefixNode(node.ids[:count], node.parent, children={node.ids[count]: node})
        node.parent.children[node.ids[0]] = upper
        node.parent, node.ids = upper, node.ids[count:]
        self.num_nodes += 1
        return upper


def _common(a: Ids, b: Ids) -> int:
    """The length of the common beginning."""
    limit = min(len(a), len(b))
    if a[:limit] == b[:limit]:
        return limit
    return next(at for at in range(limit) if a[at] != b[at])


def prefix_data(runs: Sequence[RunRecord], max_tokens: int = MAX_TOKENS) -> dict[str, Any]:
    """Return the tree of all prompts as JSON, of the first calls if they are too many.

    ``nodes`` list parents first, the root left out: ``[parent, tokens, text, asked, expected,
    reused, written, calls]`` with the parent's number or -1; ``calls`` are pairs of run and call.
    """
    tree, taken, left_out = _tree(runs, max_tokens)
    prompts = (at.call.prompt for at in taken)
    tokenizer = next((prompt.encoder.tokenizer for prompt in prompts if prompt), None)
    for at in taken:
        _count(tree.path(at.ids), at.call, len(at.ids), (at.run, at.number))
    for at in taken:
        _mark_written(tree.path(at.written), len(at.ids))
    nodes: list[list[Any]] = []
    special = {} if tokenizer is None else {i: name for name, i in tokenizer.special_ids.items()}
    stack = [(child, -1) for child in reversed(tree.root.children.values())]
    while stack:
        node, parent = stack.pop()
        node.expected = len(node.ids) * (node.asked - (0 if node.is_written else 1))
        assert tokenizer is not None
        nodes.append(
            [
                parent,
                len(node.ids),
                _text(node.ids, tokenizer, special),
                node.asked,
                max(0, node.expected),
                node.reused,
                node.is_written,
                node.calls,
            ]
        )
        stack += [(child, len(nodes) - 1) for child in reversed(node.children.values())]
    return {"nodes": nodes, "calls": len(taken), "left_out": left_out}


class _Taken(NamedTuple):
    """Call ``number`` of a run: the ids it was asked with, and those with what it wrote."""

    run: int
    number: int
    call: CallRecord
    ids: Ids
    written: Ids


def _tree(runs: Sequence[RunRecord], max_tokens: int) -> tuple[PrefixTree, list[_Taken], int]:
    """The tree of as many calls as fit, these, and how many more there were."""
    tree, left_out = PrefixTree(), 0
    taken: list[_Taken] = []
    tokens = 0
    for run in runs:
        for number, call in enumerate(in_order(run)):
            if call.prompt is None:
                continue
            if tokens > max_tokens or tree.num_nodes > MAX_NODES:
                left_out += 1
                continue
            try:
                # What is warmed is what stays as it is, whatever follows.
                ids = call.prompt.healed_ids()[0] if call.op == "warm" else call.prompt.ids()
                written = () if call.result is None else call.result.ids()
            except ValueError:  # the model has no such role: nothing was asked
                continue
            tokens += len(ids) + len(written)
            tree.insert(ids)
            tree.insert(written)
            taken.append(_Taken(run.number, number, call, ids, written))
    return tree, taken, left_out


def _count(
    path: Sequence[PrefixNode], call: CallRecord, length: int, number: tuple[int, int]
) -> None:
    """Count a prompt of ``length`` tokens along its path: what was reused is its beginning."""
    stats = call.stats
    # A stream that goes on in its place is not given the tokens again that it had.
    reused = max(0, length - stats.prompt_tokens) + stats.cached_tokens
    for node in path:
        node.asked += 1
        node.reused += max(0, min(len(node.ids), reused))
        reused -= len(node.ids)
    if path:
        path[-1].calls.append(number)


def _mark_written(path: Sequence[PrefixNode], prompt_len: int) -> None:
    at = 0
    for node in path:
        node.is_written |= at >= prompt_len
        at += len(node.ids)


def _text(ids: Ids, tokenizer: TokenizerLike, special: Mapping[int, str]) -> str:
    """The text of tokens, special ones by their names; no more than is shown."""
    pieces: list[bytes] = []
    size = 0
    for token in ids:
        pieces.append(special[token].encode() if token in special else tokenizer.token_bytes[token])
        size += len(pieces[-1])
        if size > 4 * MAX_CHARS:
            break
    text = b"".join(pieces).decode("utf-8", errors="replace")
    return text if len(text) <= MAX_CHARS else text[: MAX_CHARS - 1] + "…"
