"""The processes that compile: what becomes of a question when one of them is gone."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
import uvloop

from sglc.server.programs.compilers import Compilers, ProgramError
from sglc.server.programs.upload import Build, CompilerSettings, Upload

SOURCE = "prompt one(n: int) -> int:\n    return n + 1\n"


def compiler_pids() -> list[int]:
    """The compilers that this process has started and that run."""
    started = Path(f"/proc/{os.getpid()}/task").glob("*/children")
    pids = [int(word) for path in started for word in path.read_text().split()]
    return [pid for pid in pids if b"compiler_" in Path(f"/proc/{pid}/cmdline").read_bytes()]


@pytest.mark.parametrize("has_seen", [False, True])
@pytest.mark.parametrize("run", [asyncio.run, uvloop.run])
def test_a_compiler_that_was_killed_while_idle_is_replaced(
    run: Callable[[Awaitable[None]], None], has_seen: bool
) -> None:
    """``has_seen``: whether the event loop knows of the death when the next question comes."""

    async def main() -> None:
        compilers = Compilers(CompilerSettings())
        try:
            before = await compilers.build("", Build(Upload(source=SOURCE)))
            (pid,) = compiler_pids()
            os.kill(pid, signal.SIGKILL)
            await asyncio.sleep(0.3 if has_seen else 0)
            again = await compilers.build("", Build(Upload(source=SOURCE)))
            assert again == before
            assert compiler_pids() not in ([], [pid])
        finally:
            await compilers.close()

    run(main())


def test_what_takes_too_long_is_ended_and_the_next_one_compiles() -> None:
    async def main() -> None:
        compilers = Compilers(CompilerSettings(timeout_s=1))
        try:
            long = "prompt f():\n" + '    "a"\n' * 30_000
            with pytest.raises(ProgramError, match="too large: compiling it takes longer than 1 s"):
                await compilers.build("", Build(Upload(source=long)))
            assert compiler_pids() == []
            compilers.settings = CompilerSettings()
            await compilers.build("", Build(Upload(source=SOURCE)))
        finally:
            await compilers.close()

    asyncio.run(main())
