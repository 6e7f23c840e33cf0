"""What programs and their runs may take, and who answers their tools."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from sglc.runtime.executor.limits import Limits

DEFAULT_LIMITS = Limits(
    max_model_calls=10_000,
    max_tokens=1_000_000,
    wall_time_s=600.0,
    max_fork_width=256,
    max_turns=100_000,
    max_blocks=300_000,
    max_data=5_000_000,
    max_depth=200,
    tool_timeout_s=60.0,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhook:
    """Where the calls of a tool go; see docs/server.md.

    With a ``secret`` each request is signed. ``private``: the address may be one of a private
    network.
    """

    url: str
    secret: str | None = None
    timeout_s: float = 30.0
    private: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ProgramsConfig:
    """Limits of programs.

    Attributes:
        limits: what one run may use up; keys may have less.
        max_programs: of one tenant, on disk.
        max_rows: of one batch.
        max_runs: under way at once, over all tenants.
        max_event_bytes: of the events of one run that are kept for those who come back.
        max_results_bytes: of the results of one batch; rows behind them end with an error.
        max_kept_bytes: of the events and results of all runs that are over.
        run_grace_s: how long a run goes on without a client.
        run_keep_s: how long a run that is over can be asked for.
        num_compilers, compile_timeout_s, compile_memory_bytes: the processes that compile.
        max_source_chars: of an uploaded program.
        webhooks: tools that the operator answers, by name.
    """

    limits: Limits = DEFAULT_LIMITS
    max_programs: int = 1_000
    max_rows: int = 10_000
    max_runs: int = 1_000
    max_event_bytes: int = 8 << 20
    max_results_bytes: int = 64 << 20
    max_kept_bytes: int = 256 << 20
    run_grace_s: float = 30.0
    run_keep_s: float = 600.0
    num_compilers: int = 2
    compile_timeout_s: float = 20.0
    compile_memory_bytes: int = 2 << 30
    max_source_chars: int = 256 << 10
    webhooks: Mapping[str, Webhook] = field(default_factory=dict)
