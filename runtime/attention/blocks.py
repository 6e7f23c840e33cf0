"""Which sequences of a batch attend together, and what they share."""

from __future__ import annotations

from dataclasses import dataclass

from sglc.runtime.core.batch import ForwardBatch

_MAX_SHORT = 64  # prefills of at most so many tokens are padded to one another
_MIN_SAVED = 256  # keys that need not be gathered, for a shared prefix to be worth two passes
_MIN_SHARED = 32  # and its own length: a shorter one costs more to attend apart than to gather


@dataclass(frozen=True, slots=True)
class Span:
    """One sequence of a batch: its queries are ``[row, row + query_len)`` of the batch's tokens.

    Its keys are the positions ``[first_key, seq_len)``. Where it shares a prefix, those before
    are ``[0, first_key)`` of sequence ``shared``, the same slots for all that name it.
    """

    index: int
    row: int
    query_len: int
    first_key: int
    seq_len: int
    shared: int | None = None

    @property
    def num_keys(self) -> int:
        """Positions of its own, that some query of the sequence sees."""
        return self.seq_len - self.first_key


def spans_of(batch: ForwardBatch, window: int | None) -> list[Span]:
    """List the sequences; a window leaves out the keys that even the first query is past."""
    spans, row = [], 0
    for index, (query_len, seq_len) in enumerate(
        zip(batch.query_lens, batch.seq_lens, strict=True)
    ):
        first = 0 if window is None else max(0, seq_len - query_len + 1 - window)
        spans.append(Span(index, row, query_len, first, seq_len))
        row += query_len
    return spans


def share(batch: ForwardBatch, spans: list[Span]) -> list[Span]:
    """Find sequences that begin with the same slots, and take that prefix out of their keys.

    Sequences are told apart by their first slot; all that have it share what all of them share.
    """
    families: dict[int, list[int]] = {}
    for i, slot in enumerate(batch.slot_table[:, 0].tolist()):
        families.setdefault(slot, []).append(i)
    found = list(spans)
    for members in families.values():
        limit = min(spans[i].seq_len - spans[i].query_len for i in members)
        if limit < _MIN_SHARED or limit * (len(members) - 1) < _MIN_SAVED:
            continue
        table = batch.slot_table[members, :limit]
        differs = (table != table[0]).any(0)
        length = int(differs.int().argmax()) if bool(differs.any()) else limit
        if length >= _MIN_SHARED and length * (len(members) - 1) >= _MIN_SAVED:
            for i in members:
                s = spans[i]
                found[i] = Span(s.index, s.row, s.query_len, length, s.seq_len, members[0])
    return found


def cut(spans: list[Span]) -> list[list[Span]]:
    """Group sequences for attention; every sequence is in exactly one group, in batch order.

    Decodes, short prefills and sequences of different shared prefixes never mix, and prefills of
    over 64 tokens stand alone. Within a group keys are padded by less than a third, or sixteen.
    """
    groups: list[list[Span]] = []
    for span in sorted(
        spans,
        key=lambda s: (s.query_len > 1, -1 if s.shared is None else s.shared, -s.num_keys, s.index),
    ):
        if groups and _fits(groups[-1][0], span):
            groups[-1].append(span)
        else:
            groups.append([span])
    for group in groups:
        group.sort(key=lambda s: s.index)
    return groups


def _fits(longest: Span, span: Span) -> bool:
    if longest.shared != span.shared or (longest.query_len == 1) != (span.query_len == 1):
        return False
    if longest.query_len > _MAX_SHORT or span.query_len > _MAX_SHORT:
        return False
    return span.num_keys * 4 >= longest.num_keys * 3 or longest.num_keys - span.num_keys < 16
