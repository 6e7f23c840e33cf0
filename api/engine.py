"""``Engine``: a model in this process."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from sglc.backend import Backend, Made, Seam

if TYPE_CHECKING:
    from sglc.runtime.executor.stream import Stream
    from sglc.runtime.local import LocalEngine
    from sglc.runtime.options import LocalOptions
    from sglc.runtime.tokenizer.base import TokenizerLike
    from sglc.runtime.tokenizer.frontend_template import FrontendTemplate
    from sglc.runtime.tokenizer.prompt import PromptEncoder


class Engine(Backend):
    """A model, its scheduler and KV cache, in a thread of this process.

        sglc.set_default_backend(sglc.Engine("path-or-hub-id"))

    ``model_path`` may be ``embedded``, the small model that ships with the package. ``options`` are
    those of ``LocalOptions``, or arguments of SGLang's servers (``server_args.py``).

    ``template`` stands in for the model's own chat template: one by the name that SGLang's frontend
    has for it, or a ``FrontendTemplate``. ``reads_specials``: names of special tokens in a prompt
    are those tokens, as in a prompt that is sent to a server; else they are text.

    Raises:
        ModelError: the model cannot be loaded.
        ModuleNotFoundError: the packages that run models are not there.
        TypeError: there is no such option.
        ValueError: an option is out of its range, or is for what this engine does not have.
        KeyError: there is no such template.
    """

    def __init__(
        self,
        model_path: str = "embedded",
        *,
        seam: Seam = "repair",
        template: FrontendTemplate | str | None = None,
        reads_specials: bool = False,
        random_seed: int = 0,
        **options: Any,
    ) -> None:
        from sglc.runtime.tokenizer.frontend_templates import get_chat_template
        from sglc.server_args import local_options

        local = local_options(model_path, options)
        if isinstance(template, str):
            template = get_chat_template(template)
        self.model_path = model_path
        self.random_seed = random_seed
        self._reads_specials = reads_specials
        self._num_generations = 0

        def make(wake: threading.Event) -> Made:
            from sglc.runtime.executor.executor import Executor
            from sglc.runtime.local import load_engine

            engine = self._loaded = load_engine(local)
            encoder = self._encoder(engine, template)
            executor = Executor(engine.scheduler, encoder, preparer=engine.preparer, wake=wake)
            return executor, encoder

        window = 2 * local.engine.max_running
        super().__init__(make, name=model_path, seam=seam, window=window)
        self._template = template
        self._options: LocalOptions = local

    _loaded: LocalEngine

    def _encoder(self, engine: LocalEngine, template: FrontendTemplate | None) -> PromptEncoder:
        from sglc.runtime.tokenizer.reading import ReadingEncoder

        self._own_template = engine.encoder.template
        tokenizer = engine.encoder.tokenizer
        encoder = engine.encoder
        if self._reads_specials:
            encoder = ReadingEncoder(tokenizer, self._own_template)
        if template is not None:
            encoder.template = template.for_tokenizer(tokenizer)
        self._prompts = encoder
        return encoder

    def _use(self, template: FrontendTemplate | None) -> None:
        made = self._own_template
        if template is not None:
            made = template.for_tokenizer(self._prompts.tokenizer)
        self._prompts.template = made

    def messages_of(self, stream: Stream) -> list[dict[str, Any]]:
        """Return the messages of a prompt; those of a template of SGLang's as SGLang does."""
        from sglc.transcript import transcript

        if self._template is None:
            return super().messages_of(stream)
        return transcript(stream.segments(), self._template)

    def get_chat_template(self) -> FrontendTemplate | None:
        """Return what stands around messages; None for what the model's own template says."""
        return self._template

    def get_model_name(self) -> str:
        """Return what the model was loaded by."""
        return self.model_path

    def get_tokenizer(self) -> TokenizerLike:
        """Return the tokenizer: ``encode`` and ``decode``."""
        return self._loaded.encoder.tokenizer

    def flush_cache(self) -> bool:
        """Empty the cache; return whether that was done: not while anything runs."""

        def flush() -> bool:
            scheduler = self._loaded.scheduler
            snapshot = scheduler.snapshot()
            if snapshot.running or snapshot.num_waiting:
                return False
            scheduler.flush_cache()
            return True

        return self.ask(flush)

    def get_server_info(self) -> dict[str, Any]:
        """Return what the engine was made with, and what it is at."""
        from sglc import __version__

        def look() -> dict[str, Any]:
            scheduler = self._loaded.scheduler
            snapshot = scheduler.snapshot()
            slots = snapshot.held_slots + snapshot.cached_slots + snapshot.free_slots
            return {
                "model_path": self.model_path,
                "version": __version__,
                "max_total_num_tokens": slots,
                "context_length": scheduler.max_context,
                "random_seed": self.random_seed,
                "internal_states": [
                    {"cached_slots": snapshot.cached_slots, **dict(scheduler.stats())}
                ],
            }

        return self.ask(look)
