"""Serving: from a configuration to a listening process, and from a signal to its end."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import os
import signal
import socket
import sys
from collections.abc import Callable, Iterator

import uvicorn
from starlette.applications import Starlette

from sglc.runtime.config import cache_folder
from sglc.runtime.options import LocalOptions
from sglc.server.config import ServerConfig
from sglc.server.endpoints import all_endpoints
from sglc.server.engine.client import EngineClient
from sglc.server.engine.limits import EngineLimits
from sglc.server.file_limit import raise_file_limit
from sglc.server.http.app import make_app
from sglc.server.http.gate import Gate
from sglc.server.http.protocol import limited
from sglc.server.openai.batch_requests import batch_runner
from sglc.server.operations.log_format import start_logging
from sglc.server.operations.operations import Operations
from sglc.server.service import Service
from sglc.server.storage.storage import Storage

log = logging.getLogger("sglc.server")

_KEEP_ALIVE_S = 75  # longer than most proxies keep a connection, so that they close it first
_CLOSE_S = 2  # for replies to get out when the time of draining is over


def serve(config: ServerConfig) -> None:
    """Serve until told to stop: by SIGTERM or SIGINT, after which requests that run may end.

    Raises:
        ModelError: the model's files are missing or broken.
        KeyFileError: the file of keys cannot be used.
        TracingError: traces cannot be sent.
        StorageError: the storage folder cannot be used.
        EngineError: the engine cannot be started.
        OSError: it is not possible to listen there.
    """
    # one text is one thread's work, and a library without threads of its own bears being forked
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    start_logging(config.operations)
    log.info("random seed %s", config.seed)
    raise_file_limit()
    with _listener(config) as listener, contextlib.closing(Storage(config.storage)) as storage:
        options = LocalOptions(
            model=config.model,
            tokenizer=config.tokenizer,
            chat_template=config.chat_template,
            load_format=config.load_format,
            context_length=config.context_length,
            memory_fraction=config.memory_fraction,
            dtype=config.dtype,
            device=config.device,
            num_slots=None if config.num_slots is None else config.num_slots + 1,  # and a dummy
            engine=config.engine,
            cache_folder=cache_folder() if config.disk_cache else None,
        )
        limits = EngineLimits(
            max_queued=config.max_queued,
            request_timeout_s=config.request_timeout_s,
            restart_timeout_s=config.restart_timeout_s,
        )
        operations = Operations.of(config.operations, config.model_name)
        engine = EngineClient(options, limits, accounts=operations.ledger)
        service = Service.of(config, engine, storage, operations)
        app = make_app(service, all_endpoints(), [batch_runner(service)])
        with asyncio.Runner(loop_factory=_loop_factory()) as runner:
            runner.run(_serve(service, app, listener))


async def _serve(service: Service, app: Starlette, listener: socket.socket) -> None:
    stop = Stop(service.engine)
    with stop.on_signals():
        try:
            async with app.router.lifespan_context(app):
                stop.has_started = True
                await _listen(service, app, listener, stop)
        except asyncio.CancelledError:
            if not stop.is_asked:
                raise


async def _listen(service: Service, app: Starlette, listener: socket.socket, stop: Stop) -> None:
    config = service.config
    server = _Server(
        uvicorn.Config(
            app,
            http=limited(config.connections),
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            backlog=4096,
            timeout_keep_alive=_KEEP_ALIVE_S,
            timeout_graceful_shutdown=_CLOSE_S,
        )
    )
    serving = asyncio.create_task(server.serve([listener]))
    host, port = listener.getsockname()[:2]
    log.info("%s at http://%s:%d", config.model_name, host, port)
    gc.collect()
    gc.freeze()  # what is loaded stays; the collector need not look at it again
    stopped = asyncio.create_task(stop.wait())
    await asyncio.wait({serving, stopped}, return_when=asyncio.FIRST_COMPLETED)
    gate: Gate = app.state.gate
    gate.close()
    if not await gate.wait_empty(config.drain_timeout_s):
        service.engine.abort("the server is shutting down")
    server.should_exit = True
    stopped.cancel()
    await serving


class Stop:
    """What signals ask for: the first one to come to an end, the second one to end at once."""

    def __init__(self, engine: EngineClient) -> None:
        self._engine = engine
        self._asked = asyncio.Event()
        self.has_started = False

    @property
    def is_asked(self) -> bool:
        """Whether a signal has come."""
        return self._asked.is_set()

    async def wait(self) -> None:
        """Wait for the first signal."""
        await self._asked.wait()

    @contextlib.contextmanager
    def on_signals(self) -> Iterator[None]:
        """Take SIGTERM and SIGINT within the block."""
        loop, task = asyncio.get_running_loop(), asyncio.current_task()
        assert task is not None
        numbers = (signal.SIGTERM, signal.SIGINT)
        for number in numbers:
            loop.add_signal_handler(number, self._take, number, task)
        try:
            yield
        finally:
            for number in numbers:
                loop.remove_signal_handler(number)

    def _take(self, number: int, task: asyncio.Task[None]) -> None:
        if self.is_asked:
            self._engine.kill()
            os._exit(128 + number)
        self._asked.set()
        if not self.has_started:
            task.cancel()


class _Server(uvicorn.Server):
    """uvicorn's server, which leaves signals to us."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@contextlib.contextmanager
def _listener(config: ServerConfig) -> Iterator[socket.socket]:
    """Take the address, before anything is loaded; it does not listen yet."""
    address = (config.host, config.port)
    family = socket.AF_INET6 if ":" in config.host else socket.AF_INET
    try:
        socket.create_server(address, family=family).close()  # fails if somebody listens there
        listener = socket.socket(family)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
    except OSError as error:
        where = f"{config.host}:{config.port}"
        raise OSError(f"cannot listen at {where}: {error.strerror or error}") from None
    with listener:
        yield listener


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    if sys.platform == "win32":
        return None
    import uvloop

    return uvloop.new_event_loop
