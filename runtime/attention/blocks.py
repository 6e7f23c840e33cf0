"""Which sequences of a batch attend together."""

from __future__ import annotations

from dataclasses import dataclass

from sglc.runtime.core.batch import ForwardBatch

_MAX_SHORT = 64  # prefills of at most so many tokens are padded to one another


@dataclass(frozen=True, slots=True)
class Span:
    """One sequence of a batch: its queries are ``[row, row + query_len)``, its keys the positions
    ``[first_key, seq_len)``."""

    index: int
    row: int
    query_len: int
    first_key: int
    seq_len: int

    @property
    def num_keys(self) -> int:
        """Positions that some query of the sequence sees."""
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


def cut(spans: list[Span], max_keys: int) -> list[list[Span]]:
    """Group sequences for attention; every sequence is in exactly one group.

    Decodes and prefills never share a group. Within one, keys are padded by less than a third or
    sixteen (prefills over 64 tokens stand alone), and the padded keys of a group stay within
    ``max_keys`` unless it is one sequence.
    """
    groups: list[list[Span]] = []
    order = sorted(spans, key=lambda s: (s.query_len > 1, -s.num_keys, s.index))
    for span in order:
        if groups and _fits(groups[-1], span, max_keys):
            groups[-1].append(span)
        else:
            groups.append([span])
    for group in groups:
        group.sort(key=lambda s: s.index)
    return groups


def _fits(group: list[Span], span: Span, max_keys: int) -> bool:
    longest = group[0]
    if (longest.query_len == 1) != (span.query_len == 1):
        return False
    if longest.query_len > _MAX_SHORT or span.query_len > _MAX_SHORT:
        return False
    if (len(group) + 1) * longest.num_keys > max_keys:
        return False
    return span.num_keys * 4 >= longest.num_keys * 3 or longest.num_keys - span.num_keys < 16
