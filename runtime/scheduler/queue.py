"""The waiting queue: entries of one stream or of a group that was submitted as one."""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Callable, Sequence

from sglc.runtime.scheduler.stream import Stream


class Entry:
    """Streams that wait together, in their order; those that have left are skipped."""

    __slots__ = ("_streams",)

    def __init__(self, streams: Sequence[Stream]) -> None:
        self._streams = deque(streams)
        for stream in streams:
            stream.entry = self

    @property
    def first(self) -> Stream | None:
        """The stream whose turn it is."""
        while self._streams and self._streams[0].entry is not self:
            self._streams.popleft()
        return self._streams[0] if self._streams else None


class WaitingQueue:
    """Entries that wait: higher priority first, then by rank, then in the order of their ids.

    Ranks are what ``arrange`` gave last, 0 of an entry that came after that. The priority of a
    group is the highest one of its streams, its id the lowest one. By that a preempted stream comes
    back before all that were submitted after it. A stream leaves its entry by ``stream.entry``
    becoming another, or None.
    """

    def __init__(self) -> None:
        self._heap: list[tuple[int, int, int, int, Entry]] = []
        self._count = 0  # no two entries compare equal

    def push(self, streams: Sequence[Stream]) -> None:
        """Add an entry; streams that wait in another one leave that."""
        priority = max(stream.request.priority for stream in streams)
        first = min(stream.id for stream in streams)
        self._count += 1
        heapq.heappush(self._heap, (-priority, 0, first, self._count, Entry(streams)))

    def arrange(self, ranking: Callable[[list[Stream]], list[int]]) -> None:
        """Rank the entries anew: ``ranking`` is given their first streams in order of arrival."""
        waiting = [item for item in self._heap if item[-1].first is not None]
        waiting.sort(key=lambda item: item[2:4])
        streams = [stream for item in waiting if (stream := item[-1].first) is not None]
        ranks = ranking(streams)
        self._heap = [(item[0], rank, *item[2:]) for item, rank in zip(waiting, ranks, strict=True)]
        heapq.heapify(self._heap)

    @property
    def priority(self) -> int | None:
        """The priority of the entry whose turn it is; None if nobody waits."""
        return None if self.peek() is None else -self._heap[0][0]

    def peek(self) -> tuple[Entry, Stream] | None:
        """Return the entry whose turn it is, and its first stream."""
        while self._heap:
            entry = self._heap[0][-1]
            stream = entry.first
            if stream is not None:
                return entry, stream
            heapq.heappop(self._heap)
        return None
