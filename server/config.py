"""What the server is told at its start: frozen, resolved at the edge."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from sglc.runtime.config import EngineConfig
from sglc.runtime.options import LoadFormat
from sglc.server.operations.config import OperationsConfig
from sglc.server.programs.config import ProgramsConfig

DEFAULT_PORT = 30000


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionLimits:
    """How slow and how large what a client sends may be.

    Attributes:
        head_timeout_s: the time that the head of a request may take, from the connection or from
            its first byte on.
        max_head_bytes: the size of a head.
        body_span_s, min_body_rate: in each such time a body has to come at this rate or above, in
            bytes per second.
    """

    head_timeout_s: float = 15.0
    max_head_bytes: int = 64 << 10
    body_span_s: float = 10.0
    min_body_rate: float = 1024.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerConfig:
    """How to serve, and what a request may take.

    Attributes:
        model: a folder, a hub id, or ``embedded``.
        tokenizer, chat_template, load_format, context_length, memory_fraction: as of
            ``LocalOptions``.
        disk_cache: automata of constraints are kept between runs.
        served_name: what the model is called in replies; None for ``model``.
        dtype, device: as for ``sglc run``.
        num_slots: tokens that the KV cache holds; None for what fits.
        seed: what seeds are drawn from for requests that name none; None for anything.
        stream_interval: tokens between two events of a native stream.
        skip_tokenizer_init: the native dialect takes and gives ids alone.
        is_embedding: nothing is generated, texts are embedded alone.
        host, port: where to listen.
        storage: the folder of files, batches and programs.
        connections: how slow and how large what comes may be.
        max_body_bytes: a larger body is refused with 413.
        max_file_bytes: the same, of an uploaded file.
        max_queued: model calls that wait or run at once; more are refused with 429.
        batch_window: requests of batches that run at once, fewer while others ask.
        request_timeout_s: wall time of one request, None for no limit; batches have their own.
        drain_timeout_s: how long running requests may take after SIGTERM.
        restart_timeout_s: how long the engine may be silent before it is taken for dead.
        enable_cache_report: whether the usage of a reply says how much of a prompt was cached.
        operations: keys, origins, logs, metrics.
        programs: what programs and their runs may take, and who answers their tools.
    """

    model: str = "embedded"
    tokenizer: str | None = None
    chat_template: str | None = None
    load_format: LoadFormat = "auto"
    context_length: int | None = None
    memory_fraction: float | None = None
    disk_cache: bool = True
    served_name: str | None = None
    dtype: str = "auto"
    device: str = "auto"
    num_slots: int | None = None
    engine: EngineConfig = field(default_factory=EngineConfig)
    seed: int | None = None
    stream_interval: int = 1
    skip_tokenizer_init: bool = False
    is_embedding: bool = False
    host: str = "127.0.0.1"
    port: int = DEFAULT_PORT
    storage: Path = Path("sglc-storage")
    connections: ConnectionLimits = field(default_factory=ConnectionLimits)
    max_body_bytes: int = 32 << 20
    max_file_bytes: int = 512 << 20
    max_queued: int = 4096
    batch_window: int = 32
    request_timeout_s: float | None = None
    drain_timeout_s: float = 30.0
    restart_timeout_s: float = 300.0
    enable_cache_report: bool = False
    operations: OperationsConfig = field(default_factory=OperationsConfig)
    programs: ProgramsConfig = field(default_factory=ProgramsConfig)

    @property
    def model_name(self) -> str:
        """The id of the model in replies."""
        return self.model if self.served_name is None else self.served_name
