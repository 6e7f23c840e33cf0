"""A model in this process: weights, tokenizer and scheduler behind an inline host."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sglc.constraints.artifacts import ArtifactFolder
from sglc.constraints.store import AutomatonStore
from sglc.runtime.core.vocabulary import Vocabulary
from sglc.runtime.executor.compile_process import CompileProcess
from sglc.runtime.executor.constraints import Preparer
from sglc.runtime.executor.executor import Executor
from sglc.runtime.executor.limits import Limits
from sglc.runtime.executor.recorder import Recorder
from sglc.runtime.executor.stored import StoredConstraints
from sglc.runtime.executor.tools import ToolRegistry
from sglc.runtime.host import Host
from sglc.runtime.masks.store import MaskStore
from sglc.runtime.models.files import load_files
from sglc.runtime.models.loading import load_model
from sglc.runtime.options import LocalOptions
from sglc.runtime.scheduler.scheduler import Scheduler
from sglc.runtime.tokenizer.prompt import PromptEncoder


class LocalHost(Host):
    """A host whose backend is the scheduler of a loaded model.

    ``constraints`` counts the automata that were built and loaded, if they are kept between runs.
    """

    def __init__(
        self,
        executor: Executor,
        encoder: PromptEncoder,
        window: int,
        scheduler: Scheduler,
        constraints: StoredConstraints | None,
    ) -> None:
        super().__init__(executor, encoder, window)
        self.scheduler = scheduler
        self.constraints = constraints


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalEngine:
    """A model with its scheduler; ``constraints`` as of ``LocalHost``."""

    scheduler: Scheduler
    encoder: PromptEncoder
    constraints: StoredConstraints | None

    @property
    def preparer(self) -> Callable[[], Preparer]:
        """What builds constraints."""
        return CompileProcess if self.constraints is None else self.constraints.preparer


def load_engine(options: LocalOptions) -> LocalEngine:
    """Load a model and make a scheduler for it.

    Raises:
        ModelError: the model cannot be loaded.
    """
    files = options.files
    is_read = files is not None and files.path_or_id == options.model
    if not is_read and (options.tokenizer is not None or options.chat_template is not None):
        files = load_files(options.model, options.tokenizer, options.chat_template)
    loaded = load_model(
        options.model,
        options.dtype,
        options.device,
        files=files,
        dummy=options.load_format == "dummy",
        context_length=options.context_length,
    )
    vocabulary = Vocabulary.of(
        loaded.tokenizer.token_bytes, loaded.tokenizer.eos_ids, loaded.config.vocab_size
    )
    mask_store, constraints = None, None
    if options.cache_folder is not None:
        folder = ArtifactFolder(options.cache_folder)
        mask_store = MaskStore(folder, loaded.tokenizer.digest, vocabulary)
        constraints = StoredConstraints(AutomatonStore(folder))
    scheduler = Scheduler(
        loaded.runner(options.num_slots, options.memory_fraction),
        vocabulary,
        options.engine,
        loaded.tokenizer,
        mask_store,
    )
    return LocalEngine(scheduler=scheduler, encoder=loaded.encoder(), constraints=constraints)


def load(options: LocalOptions, recorder: Recorder | None = None) -> LocalHost:
    """Load a model and return a host for it. A recorder takes down what its runs cost.

    Raises:
        ModelError: the model cannot be loaded.
    """
    engine = load_engine(options)
    executor = Executor(
        engine.scheduler,
        engine.encoder,
        tools=ToolRegistry(search_path=options.search_path),
        limits=Limits(wall_time_s=options.timeout_s),
        preparer=engine.preparer,
        recorder=recorder,
    )
    window = 2 * options.engine.max_running
    return LocalHost(executor, engine.encoder, window, engine.scheduler, engine.constraints)
