"""All that serves programs, made once and closed with the server."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from sglc.runtime.executor.limits import Limits
from sglc.server.engine.client import EngineClient
from sglc.server.operations.tenant import TenantLimits
from sglc.server.programs.compilers import Compilers
from sglc.server.programs.config import ProgramsConfig
from sglc.server.programs.folder import ProgramFolder
from sglc.server.programs.library import Library
from sglc.server.programs.runs import Runs
from sglc.server.programs.upload import CompilerSettings
from sglc.server.programs.webhooks import Webhooks


class Programs:
    """The programs of all tenants, and their runs on ``engine``."""

    def __init__(
        self,
        config: ProgramsConfig,
        folder: Path,
        engine: EngineClient,
        settings: CompilerSettings,
    ) -> None:
        self.config = config
        self._compilers = Compilers(settings, num_processes=config.num_compilers)
        self.library = Library(
            ProgramFolder(folder), self._compilers, max_programs=config.max_programs
        )
        self.webhooks = Webhooks(config.webhooks)
        self.runs = Runs(engine, self.webhooks, config)

    def limits(self, key: TenantLimits, timeout_s: float | None) -> Limits:
        """Return what a run may use: the least of what the server, the key and the request say."""
        limits = self.config.limits
        return replace(
            limits,
            max_tokens=_least(limits.max_tokens, key.max_tokens),
            max_model_calls=_least(limits.max_model_calls, key.max_model_calls),
            max_fork_width=_least(limits.max_fork_width, key.max_fork_width),
            wall_time_s=_shortest(limits.wall_time_s, key.max_wall_time_s, timeout_s),
        )

    async def close(self) -> None:
        """Cancel all runs and end the compilers."""
        await self.runs.close()
        await self._compilers.close()


def _least(ours: int, theirs: int | None) -> int:
    return ours if theirs is None else min(ours, theirs)


def _shortest(*times_s: float | None) -> float | None:
    return min((each for each in times_s if each is not None), default=None)
