"""Tokens per minute, on a clock of the test's own."""

from __future__ import annotations

import asyncio

from sglc.runtime.remote.pacing import TokenRate


class Clock:
    """Time goes by only while somebody sleeps."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.now += seconds


def begins(per_minute: int, sizes: list[int], billed: list[int] | None = None) -> list[float]:
    """Return when each request may begin, in seconds."""
    clock, found = Clock(), []

    async def run() -> None:
        rate = TokenRate(per_minute, clock, clock.sleep)
        for number, size in enumerate(sizes):
            await rate.take(size)
            found.append(round(clock.now, 6))
            if billed is not None:
                rate.correct(size, billed[number])

    asyncio.run(run())
    return found


def test_a_minutes_worth_goes_at_once_and_then_steadily() -> None:
    assert begins(600, [300, 300, 100, 100]) == [0.0, 0.0, 10.0, 20.0]


def test_a_request_larger_than_a_minutes_worth_goes_and_is_paid_for_after() -> None:
    assert begins(600, [1200, 60]) == [0.0, 66.0]


def test_what_was_estimated_too_high_is_given_back() -> None:
    assert begins(600, [600, 300], billed=[60, 300]) == [0.0, 0.0]
    assert begins(600, [600, 300], billed=[660, 300]) == [0.0, 36.0]
