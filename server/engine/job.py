"""A job as the side of HTTP sees it: what the engine says of it, in order, to be waited for."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from types import TracebackType

from sglc.server.engine.accounts import Account, NoAccounts
from sglc.server.engine.messages import Failed, Finished, JobReply, Written
from sglc.server.errors import ApiError


class Job:
    """An asynchronous iterator over the replies to one job; used within ``async with``.

    Leaving the block cancels what is not over. Text that piles up because its reader is slow is
    joined, so that a job holds no more than its text. ``size`` is how many model calls it counts
    for; ``account`` is told of every reply.
    """

    def __init__(
        self,
        number: int,
        cancel: Callable[[int], None],
        size: int = 1,
        account: Account | None = None,
    ) -> None:
        self.number = number
        self.size = size
        self.account = account or NoAccounts()
        self._cancel = cancel
        self._replies: list[JobReply] = []
        self._wake = asyncio.Event()
        self.is_over = False

    def put(self, reply: JobReply) -> None:
        """Add a reply; what comes after the last one is ignored."""
        if self.is_over:
            return
        self.account.replied(reply)
        last = self._replies[-1] if self._replies else None
        if isinstance(reply, Written) and isinstance(last, Written) and last.sample == reply.sample:
            self._replies[-1] = last + reply
        else:
            self._replies.append(reply)
        self.is_over = isinstance(reply, Finished | Failed)
        self._wake.set()

    def take(self) -> list[JobReply]:
        """Return what has come since, without waiting."""
        replies, self._replies = self._replies, []
        return replies

    async def __aenter__(self) -> Job:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.cancel()

    def cancel(self) -> None:
        """Tell the engine to drop the job, unless it is over."""
        if not self.is_over:
            self.is_over = True
            self._cancel(self.number)

    def finish(self) -> None:
        """End the job as if it were complete: its reader gets what there is, and no more."""
        if not self.is_over:
            self._cancel(self.number)
            self.put(Finished(self.number))

    async def __aiter__(self) -> AsyncIterator[JobReply]:
        """Yield every reply but a Failed.

        Raises:
            ApiError: the job failed.
        """
        while True:
            while not self._replies:
                self._wake.clear()
                await self._wake.wait()
            for reply in self.take():
                if isinstance(reply, Failed):
                    raise ApiError(reply.status, reply.message)
                yield reply
                if isinstance(reply, Finished):
                    return
