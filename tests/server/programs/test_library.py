"""The library: programs compiled once for all who ask, kept within bounds, compiled again."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from pathlib import Path

import pytest

from sglc.server.errors import ApiError
from sglc.server.programs.building import built
from sglc.server.programs.compilers import Compilers, ProgramError
from sglc.server.programs.folder import ProgramFolder
from sglc.server.programs.library import Library
from sglc.server.programs.upload import Build, Built, CompilerSettings, Refused, Upload

SETTINGS = CompilerSettings()


class Counting(Compilers):
    """Compiles here, counts how often, and lets others go on meanwhile."""

    def __init__(self) -> None:
        super().__init__(SETTINGS)
        self.asked: list[str] = []

    async def build(self, tenant: str, question: Build) -> Built:
        self.asked.append(tenant)
        await asyncio.sleep(0.01)
        if "wrong" in (question.upload.source or ""):
            raise ProgramError(Refused("it is wrong"))
        return built(question.upload, SETTINGS, lambda _: None)


def adder(number: int) -> Upload:
    return Upload(source=f"prompt f() -> int:\n    return {number}\n")


def library(folder: Path, compilers: Counting, max_bytes: int = 1 << 20) -> Library:
    return Library(ProgramFolder(folder), compilers, max_programs=10, max_bytes=max_bytes)


def test_many_who_ask_at_once_wait_for_one_compilation(tmp_path: Path) -> None:
    async def scenario() -> None:
        compilers = Counting()
        await library(tmp_path, compilers).add("me", adder(1))
        fresh = library(tmp_path, compilers)  # as after a restart
        programs = await asyncio.gather(*(fresh.get("me", adder(1).id) for _ in range(50)))
        assert len({id(program) for program in programs}) == 1
        assert compilers.asked == ["me", "me"]

    asyncio.run(scenario())


def test_who_stops_waiting_stops_nobody_else(tmp_path: Path) -> None:
    async def scenario() -> None:
        compilers = Counting()
        made = library(tmp_path, compilers)
        first, second = (asyncio.create_task(made.add("me", adder(1))) for _ in range(2))
        await asyncio.sleep(0)
        first.cancel()
        assert (await second).id == adder(1).id
        assert compilers.asked == ["me"]

    asyncio.run(scenario())


def test_a_program_that_fails_fails_for_all_and_is_tried_again(tmp_path: Path) -> None:
    async def scenario() -> None:
        compilers = Counting()
        made = library(tmp_path, compilers)
        wrong = Upload(source="wrong")
        for _ in range(2):
            found = await asyncio.gather(
                *(made.add("me", wrong) for _ in range(3)), return_exceptions=True
            )
            assert all(isinstance(each, ProgramError) for each in found)
        assert len(compilers.asked) == 2
        assert await made.ids("me") == []

    asyncio.run(scenario())


def test_memory_is_bounded_and_programs_come_back(tmp_path: Path) -> None:
    async def scenario() -> None:
        compilers = Counting()
        made = library(tmp_path, compilers, max_bytes=1)
        for number in range(5):
            await made.add("me", adder(number))
        assert len(made._kept) == 1
        assert (await made.get("me", adder(0).id)).upload == adder(0)
        assert len(compilers.asked) == 6

    asyncio.run(scenario())


@pytest.mark.parametrize("is_added", [False, True])
def test_a_program_that_is_removed_while_it_is_compiled_is_gone(
    tmp_path: Path, is_added: bool
) -> None:
    async def scenario() -> None:
        compilers = Counting()
        await library(tmp_path, compilers).add("me", adder(1))
        fresh = library(tmp_path, compilers)
        coming = asyncio.create_task(fresh.get("me", adder(1).id))
        while len(compilers.asked) < 2:
            await asyncio.sleep(0)
        await fresh.remove("me", adder(1).id)
        again = asyncio.create_task(fresh.add("me", adder(1))) if is_added else None
        with suppress(ApiError):
            await coming
        if again is not None:
            assert (await again).id == adder(1).id
        for wanted in (fresh, library(tmp_path, compilers)):
            if is_added:
                assert (await wanted.get("me", adder(1).id)).id == adder(1).id
                continue
            with pytest.raises(ApiError) as caught:
                await wanted.get("me", adder(1).id)
            assert caught.value.status == 404

    asyncio.run(scenario())


def test_an_id_is_worked_out_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario() -> None:
        program = await library(tmp_path, Counting()).add("me", adder(1))
        monkeypatch.setattr(Upload, "to_data", None)  # what an id is made of
        assert [program.id for _ in range(3)] == [known] * 3

    known = adder(1).id
    asyncio.run(scenario())


def test_what_one_tenant_compiles_the_other_does_not_find(tmp_path: Path) -> None:
    async def scenario() -> None:
        compilers = Counting()
        made = library(tmp_path, compilers)
        await made.add("me", adder(1))
        with pytest.raises(ApiError) as caught:
            await made.get("you", adder(1).id)
        assert caught.value.status == 404
        await made.add("you", adder(1))  # takes as long as if it were new
        assert compilers.asked == ["me", "you"]

    asyncio.run(scenario())


def test_a_tenant_has_one_compiler_at_a_time_and_a_short_queue() -> None:
    async def scenario() -> None:
        compilers = Compilers(SETTINGS, num_processes=2, max_waiting=3)
        try:
            questions = [Build(adder(number)) for number in range(5)]
            found = await asyncio.gather(
                *(compilers.build("me", question) for question in questions),
                return_exceptions=True,
            )
            assert [isinstance(each, Built) for each in found] == [True] * 3 + [False] * 2
            refused = found[-1]
            assert isinstance(refused, ApiError)
            assert refused.status == 429
            assert len(compilers._idle) == 1
            assert isinstance(await compilers.build("me", questions[0]), Built)
        finally:
            await compilers.close()

    asyncio.run(scenario())
