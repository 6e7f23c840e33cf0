"""Serving: from a configuration to a listening process."""

from __future__ import annotations

import signal
from contextlib import closing

import uvicorn

from sglc.runtime.config import cache_folder
from sglc.runtime.options import LocalOptions
from sglc.server.config import ServerConfig
from sglc.server.endpoints import all_endpoints
from sglc.server.engine.client import EngineClient
from sglc.server.engine.limits import EngineLimits
from sglc.server.http.app import make_app
from sglc.server.openai.batch_requests import batch_runner
from sglc.server.operations.log_format import start_logging
from sglc.server.service import Service
from sglc.server.storage.storage import Storage


def serve(config: ServerConfig) -> None:
    """Serve until told to stop.

    Raises:
        ModelError: the model's files are missing or broken.
        KeyFileError: the file of keys cannot be used.
        StorageError: the storage folder cannot be used.
    """
    start_logging(config.operations)
    options = LocalOptions(
        model=config.model,
        dtype=config.dtype,
        device=config.device,
        num_slots=config.num_slots,
        engine=config.engine,
        cache_folder=cache_folder(),
    )
    limits = EngineLimits(
        max_queued=config.max_queued,
        request_timeout_s=config.request_timeout_s,
        restart_timeout_s=config.restart_timeout_s,
    )
    with closing(Storage(config.storage)) as storage:
        service = Service.of(config, EngineClient(options, limits), storage)
        app = make_app(service, all_endpoints(), [batch_runner(service)])
        # uvicorn raises what it was told to stop by once more, for whoever handled it before
        signal.signal(signal.SIGTERM, lambda *_: None)
        uvicorn.run(
            app,
            host=config.host,
            port=config.port,
            log_config=None,
            access_log=False,
            backlog=4096,
            timeout_graceful_shutdown=int(config.drain_timeout_s),
        )
