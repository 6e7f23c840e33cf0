"""Documents as token rows: a packed stream, cut so that every row starts where a document does."""

from multiprocessing import get_context
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from tools.corpus.mixture import documents
from tools.corpus.text import CUT, END_OF_TEXT, KEY_CLOSE, KEY_OPEN, Generator

SHARD_TOKENS = 250_000
LATER_SHARD = 12
KEY_WEIGHT = 4


class Stream(NamedTuple):
    """Tokens, the weight of the loss on each, and where documents start."""

    tokens: NDArray[np.int64]
    weights: NDArray[np.float32]
    starts: NDArray[np.int64]


def split_marks(piece: str) -> tuple[str, list[bool]]:
    """Return ``piece`` without its key marks, and for each character whether it was marked."""
    text: list[str] = []
    marked: list[bool] = []
    inside = False
    for char in piece:
        if char in (KEY_OPEN, KEY_CLOSE):
            inside = char == KEY_OPEN
        else:
            text.append(char)
            marked.append(inside)
    return "".join(text), marked


def encode(tokenizer: Tokenizer, document: str) -> tuple[list[int], list[float]]:
    """Return the tokens of a marked document, its end included, and their weights."""
    ids: list[int] = []
    weights: list[float] = []
    inside = False
    for piece in document.split(CUT):
        text, marked = split_marks((KEY_OPEN if inside else "") + piece)
        inside = piece.rfind(KEY_OPEN) > piece.rfind(KEY_CLOSE)
        encoding = tokenizer.encode(text)
        ids += encoding.ids
        weights += [KEY_WEIGHT if marked[end - 1] else 1 for _, end in encoding.offsets]
    ids += tokenizer.encode(END_OF_TEXT).ids
    weights.append(1)
    return ids, weights


def _shard(job: tuple[str, int, dict[Generator, float]]) -> Stream:
    """Encode the documents of one shard, up to ``SHARD_TOKENS``."""
    tokenizer_json, seed, mixture = job
    tokenizer = Tokenizer.from_str(tokenizer_json)
    ids: list[int] = []
    weights: list[float] = []
    starts: list[int] = []
    for document in documents(seed, mixture):
        if len(ids) >= SHARD_TOKENS:
            break
        starts.append(len(ids))
        more, weight = encode(tokenizer, document)
        ids += more
        weights += weight
    return Stream(
        np.array(ids, np.int64), np.array(weights, np.float32), np.array(starts, np.int64)
    )


def build_stream(
    tokenizer: Tokenizer,
    seed: int,
    num_tokens: int,
    num_workers: int,
    first: dict[Generator, float],
    later: dict[Generator, float],
) -> Stream:
    """Encode at least ``num_tokens`` of two mixtures; the result does not depend on the workers."""
    count = -(-num_tokens // SHARD_TOKENS)
    jobs = [
        (tokenizer.to_str(), seed * 10_000 + shard, first if shard < LATER_SHARD else later)
        for shard in range(1, count + 1)
    ]
    with get_context("spawn").Pool(num_workers) as pool:
        shards = pool.map(_shard, jobs, chunksize=1)
    offsets = np.cumsum([0] + [len(shard.tokens) for shard in shards])
    starts = [shard.starts + offset for shard, offset in zip(shards, offsets, strict=False)]
    return Stream(
        np.concatenate([shard.tokens for shard in shards]),
        np.concatenate([shard.weights for shard in shards]),
        np.concatenate(starts),
    )


def row_starts(stream: Stream, row_len: int) -> NDArray[np.int64]:
    """Return where rows of ``row_len`` inputs begin: a document cut by one row opens the next."""
    rows: list[int] = []
    at = 0
    while at + row_len + 1 <= len(stream.tokens):
        rows.append(at)
        reached = at + row_len
        opened = int(stream.starts[np.searchsorted(stream.starts, reached, side="right") - 1])
        at = opened if opened > at else reached
    return np.array(rows, np.int64)
