"""``Engine``: a model in this process."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from sglc.backend import Backend, Made, Seam

if TYPE_CHECKING:
    from sglc.runtime.options import LocalOptions


class Engine(Backend):
    """A model, its scheduler and KV cache, in a thread of this process.

        sglc.set_default_backend(sglc.Engine("path-or-hub-id"))

    ``model_path`` may be ``embedded``, the small model that ships with the package. ``options`` are
    those of ``LocalOptions``.

    Raises:
        ModelError: the model cannot be loaded.
        ModuleNotFoundError: the packages that run models are not there.
    """

    def __init__(
        self, model_path: str = "embedded", *, seam: Seam = "repair", **options: Any
    ) -> None:
        from sglc.runtime.config import EngineConfig, cache_folder
        from sglc.runtime.options import LocalOptions

        options.setdefault("engine", EngineConfig.from_env())
        options.setdefault("cache_folder", cache_folder())
        local = LocalOptions(model=model_path, **options)
        window = 2 * local.engine.max_running
        super().__init__(lambda wake: _load(local, wake), name=model_path, seam=seam, window=window)


def _load(options: LocalOptions, wake: threading.Event) -> Made:
    from sglc.runtime.executor.executor import Executor
    from sglc.runtime.local import load_engine

    engine = load_engine(options)
    executor = Executor(engine.scheduler, engine.encoder, preparer=engine.preparer, wake=wake)
    return executor, engine.encoder
