"""The engine's client with a process that misbehaves: nothing waits for ever, nothing is lost."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest
from generators.fake_engine import ANSWER, DIE, HANG, WAIT, fake_command
from hypothesis import given
from hypothesis import strategies as st

from sglc.compiler.plan.plan import Plan
from sglc.runtime.options import LocalOptions
from sglc.server.engine.accounts import NoAccounts
from sglc.server.engine.background import IN_BACKGROUND
from sglc.server.engine.client import EngineClient
from sglc.server.engine.limits import Admission, EngineLimits
from sglc.server.engine.merging import generated
from sglc.server.engine.messages import (
    Command,
    Finished,
    Generate,
    Generation,
    JobReply,
    Sampled,
)
from sglc.server.engine.process import EngineError, EngineProcess
from sglc.server.engine.watchdog import Watchdog
from sglc.server.errors import ApiError

Check = Callable[[EngineClient], Coroutine[Any, Any, None]]


def run(log: Path, check: Check, mode: str = "works", **limits: Any) -> list[str]:
    """Check a client; return what its processes were told."""

    async def main() -> None:
        client = EngineClient(LocalOptions(), EngineLimits(**limits), fake_command(log, mode))
        try:
            await client.start()
            async with asyncio.timeout(60):
                await check(client)
        finally:
            await client.close()
        assert client.num_jobs == 0

    asyncio.run(main())
    return log.read_text().splitlines()


async def ask(client: EngineClient, ids: tuple[int, ...], num_samples: int = 1) -> list[JobReply]:
    generation = Generation(ids=ids, max_tokens=1, num_samples=num_samples)
    async with client.generate(generation) as job:
        return [reply async for reply in job]


async def until(is_true: Callable[[], bool]) -> None:
    while not is_true():
        await asyncio.sleep(0.01)


async def failure(work: Awaitable[Any]) -> ApiError:
    with pytest.raises(ApiError) as caught:
        await work
    return caught.value


def is_there(client: EngineClient) -> bool:
    try:
        client.check()
    except ApiError:
        return False
    return True


def test_jobs_of_a_dead_process_fail_at_once_and_it_is_started_again(tmp_path: Path) -> None:
    async def check(client: EngineClient) -> None:
        client.load_plan("digest", Plan(functions={}, entry="main"))
        waiting = [asyncio.create_task(ask(client, WAIT)) for _ in range(3)]
        question = asyncio.create_task(client.ask("stats"))
        await asyncio.sleep(0)
        client.kill()
        errors = [await failure(task) for task in [*waiting, question]]
        assert {(error.status, error.message) for error in errors} == {
            (503, "the engine's process has died")
        }
        refused = await failure(ask(client, ANSWER))
        assert (refused.status, refused.code) == (503, "engine_down")
        assert "Retry-After" in refused.headers
        await until(lambda: is_there(client))
        assert len(await ask(client, ANSWER)) == 2
        assert client.num_restarts == 1

    said = run(tmp_path / "log", check)
    assert said.count("start") == 2
    restarted = said[said.index("start", 1) :]
    assert [line.split()[0] for line in restarted[:2]] == ["start", "LoadPlan"]


class BrokenAccounts(NoAccounts):
    """Accounts that cannot count the first sample that is complete."""

    is_broken = True

    def open(self) -> BrokenAccounts:
        return self

    def replied(self, reply: JobReply) -> None:
        if self.is_broken and isinstance(reply, Sampled):
            self.is_broken = False
            raise RuntimeError("cannot count")


def test_a_reply_that_cannot_be_taken_leaves_nobody_waiting(tmp_path: Path) -> None:
    async def main() -> None:
        command = fake_command(tmp_path / "log", "works")
        client = EngineClient(LocalOptions(), EngineLimits(), command, BrokenAccounts())
        try:
            await client.start()
            async with asyncio.timeout(60):
                waiting = asyncio.create_task(ask(client, WAIT))
                await asyncio.sleep(0)
                for work in (ask(client, ANSWER), waiting):
                    error = await failure(work)
                    assert (error.status, "could not be taken" in error.message) == (503, True)
                await until(lambda: is_there(client))
                assert len(await ask(client, ANSWER)) == 2
        finally:
            await client.close()

    asyncio.run(main())


def test_an_engine_that_hangs_is_killed_and_started_again(tmp_path: Path) -> None:
    async def check(client: EngineClient) -> None:
        error = await failure(ask(client, HANG))
        assert (error.status, error.message) == (503, "the engine has not answered for 0.4 s")
        await until(lambda: is_there(client))
        assert len(await ask(client, ANSWER)) == 2

    assert run(tmp_path / "log", check, restart_timeout_s=0.4).count("start") == 2


def test_an_engine_that_is_asked_nothing_is_left_alone(tmp_path: Path) -> None:
    async def check(client: EngineClient) -> None:
        pid = client.pid
        await asyncio.sleep(1.0)
        assert client.pid == pid
        assert client.num_restarts == 0

    assert run(tmp_path / "log", check, restart_timeout_s=0.4).count("start") == 1


def test_is_started_again_however_often_it_dies(tmp_path: Path) -> None:
    async def check(client: EngineClient) -> None:
        for number in range(1, 4):
            error = await failure(ask(client, DIE))
            assert error.status == 503
            await until(lambda: is_there(client))
            assert client.num_restarts == number

    assert run(tmp_path / "log", check, backoff_s=0.01).count("start") == 4


@given(st.integers(2, 200))
def test_each_early_death_doubles_the_wait_up_to_a_limit(num_early: int) -> None:
    limits = EngineLimits(backoff_s=0.5, max_backoff_s=30.0)
    assert limits.delay_s(1) == 0.0
    assert limits.delay_s(2) == 0.5
    assert limits.delay_s(num_early + 1) == min(30.0, 2 * limits.delay_s(num_early))


@pytest.mark.parametrize(
    ("mode", "message"),
    [("broken", "there is no model"), ("dies", "the engine's process ended while it was starting")],
)
def test_a_start_that_fails_says_why(tmp_path: Path, mode: str, message: str) -> None:
    async def check(client: EngineClient) -> None:
        raise AssertionError("it has started")

    with pytest.raises(EngineError, match=message):
        run(tmp_path / "log", check, mode)


def test_more_samples_than_may_wait_are_refused_until_some_are_over(tmp_path: Path) -> None:
    async def check(client: EngineClient) -> None:
        assert (await failure(ask(client, ANSWER, 6))).status == 400
        async with client.generate(Generation(ids=WAIT, max_tokens=1, num_samples=3)):
            assert len(await ask(client, ANSWER, 2)) == 3
            refused = await failure(ask(client, ANSWER, 3))
            assert refused.status == 429
            assert 1 <= int(refused.headers["Retry-After"]) <= 60
            assert (await failure(embed(client, 3))).status == 429
        assert len(await ask(client, ANSWER, 5)) == 6

    said = run(tmp_path / "log", check, max_queued=5)
    assert [line.split()[0] for line in said].count("Generate") == 3


def test_generations_that_never_fit_are_refused_before_one_begins(tmp_path: Path) -> None:
    each = Generation(ids=ANSWER, max_tokens=1, num_samples=3)

    async def check(client: EngineClient) -> None:
        client.check_size([each])
        found = generated(client, [each, each])
        assert (await failure(anext(found))).status == 400
        assert client.num_jobs == 0

    said = run(tmp_path / "log", check, max_queued=5)
    assert "Generate" not in " ".join(said)


async def embed(client: EngineClient, count: int) -> None:
    async with client.embed([ANSWER] * count):
        raise AssertionError("was let in")


def test_a_request_that_takes_too_long_is_ended_in_the_engine_too(tmp_path: Path) -> None:
    async def check(client: EngineClient) -> None:
        error = await failure(ask(client, WAIT))
        assert error.status == 504
        assert "request_timeout_s" in error.message
        assert client.num_jobs == 0

    said = run(tmp_path / "log", check, request_timeout_s=0.1)
    assert "Generate 1" in said
    assert "Cancel 1" in said


def test_work_in_the_background_has_no_such_limit(tmp_path: Path) -> None:
    async def check(client: EngineClient) -> None:
        IN_BACKGROUND.set(True)
        waiting = asyncio.create_task(ask(client, WAIT))
        IN_BACKGROUND.set(False)
        assert (await failure(ask(client, WAIT))).status == 504
        assert not waiting.done()
        waiting.cancel()

    run(tmp_path / "log", check, request_timeout_s=0.1)


def test_leaving_a_job_cancels_it_unless_it_is_over(tmp_path: Path) -> None:
    async def check(client: EngineClient) -> None:
        async with client.generate(Generation(ids=WAIT, max_tokens=1)):
            pass
        replies = await ask(client, ANSWER)
        assert isinstance(replies[-1], Finished)

    said = run(tmp_path / "log", check)
    assert "Cancel 1" in said
    assert "Cancel 2" not in said


@given(takes=st.lists(st.integers(1, 6), max_size=30))
def test_admission_lets_in_exactly_what_there_is_room_for(takes: list[int]) -> None:
    now = 0.0
    admission = Admission(5, lambda: now)
    inside: list[int] = []
    for count in takes:
        now += 1.0
        if sum(inside) + count <= 5:
            admission.take(count)
            inside.append(count)
        else:
            with pytest.raises(ApiError) as caught:
                admission.take(count)
            assert caught.value.status == (400 if count > 5 else 429)
            if inside:
                admission.give(inside.pop(0))
        assert admission.num_open == sum(inside) <= 5


def test_the_wait_follows_from_the_pace_of_late() -> None:
    now = 100.0
    admission = Admission(10, lambda: now)
    admission.take(10)
    for _ in range(5):  # one every two seconds
        now += 2.0
        admission.give(1)
        admission.take(1)
    with pytest.raises(ApiError) as caught:
        admission.take(4)
    assert 6 <= int(caught.value.headers["Retry-After"]) <= 8


def test_a_watchdog_counts_ticks_not_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever clocks do, it takes eight ticks in a row without a word."""
    said: list[str] = []

    async def run_dog() -> None:
        ticks = 0

        async def tick(_: float) -> None:
            nonlocal ticks
            ticks += 1
            if ticks in {7, 14}:
                watchdog.heard()

        watchdog = Watchdog(8.0, lambda: said.append("ask"), lambda: said.append("hung"))
        monkeypatch.setattr(asyncio, "sleep", tick)
        await watchdog.run()

    asyncio.run(run_dog())
    assert said == ["ask"] * (14 + 8) + ["hung"]


def test_jobs_in_the_background_are_of_a_lower_priority_and_not_urgent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[int] = []
    say = EngineProcess.say

    def listen(process: EngineProcess, command: Command) -> None:
        if isinstance(command, Generate):
            said.append(command.generation.priority)
        say(process, command)

    monkeypatch.setattr(EngineProcess, "say", listen)

    async def check(client: EngineClient) -> None:
        async def in_background() -> None:
            IN_BACKGROUND.set(True)
            await ask(client, WAIT)

        tasks = [asyncio.create_task(in_background()), asyncio.create_task(ask(client, WAIT))]
        await until(lambda: client.num_jobs == 2)
        assert client.num_urgent_jobs == 1
        assert said == [-1, 0]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        assert client.num_urgent_jobs == 0
        assert client.num_deaths == 0
        assert (await failure(ask(client, DIE))).status == 503
        assert client.num_deaths == 1  # known before the failure is

    run(tmp_path / "log", check)
