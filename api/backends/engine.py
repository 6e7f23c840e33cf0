"""``Engine``: a model in this process."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from sglc.backends.backend import Backend, Made, Seam

if TYPE_CHECKING:
    from sglc.backends.generation import Text
    from sglc.program.state import ProgramState
    from sglc.runtime.local import LocalEngine
    from sglc.runtime.tokenizer.base import TokenizerLike
    from sglc.runtime.tokenizer.frontend_template import FrontendTemplate
    from sglc.runtime.tokenizer.prompt import PromptEncoder


class Engine(Backend):
    """A model, its scheduler and KV cache, in a thread of this process.

        sglc.set_default_backend(sglc.Engine("path-or-hub-id"))

    ``model_path`` may be ``embedded``, the small model that ships with the package. ``options`` are
    those of ``LocalOptions``, or arguments of SGLang's servers (``server_args.py``); of these, the
    ones about logs change nothing, since an engine writes none.

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
        from sglc.backends.server_args import local_options
        from sglc.runtime.tokenizer.frontend_templates import get_chat_template

        local = local_options(model_path, options)
        if isinstance(template, str):
            template = get_chat_template(template)
        self.model_path = model_path
        self.random_seed = random_seed
        self._generations = itertools.count(1)
        self._reader: PromptEncoder | None = None

        def make(wake: threading.Event) -> Made:
            from sglc.runtime.executor.executor import Executor
            from sglc.runtime.local import load_engine
            from sglc.runtime.tokenizer.reading import ReadingEncoder

            engine = self._loaded = load_engine(local)
            encoder = engine.encoder
            self._own_template = encoder.template
            if reads_specials:
                encoder = ReadingEncoder(encoder.tokenizer, encoder.template)
            executor = Executor(engine.scheduler, encoder, preparer=engine.preparer, wake=wake)
            return executor, encoder

        window = 2 * local.engine.max_running
        super().__init__(make, name=model_path, seam=seam, window=window)
        self.chat_template = template

    _loaded: LocalEngine
    encoder: PromptEncoder

    def _use(self, template: FrontendTemplate | None) -> None:
        made = self._own_template
        if template is not None:
            made = template.for_tokenizer(self.encoder.tokenizer)
        self.encoder.template = made

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

    def cache_prefix(self, prefix_str: str) -> None:
        """Compute a text that prompts will begin with.

        Raises:
            RunFailed: it is too long.
        """
        self.generate(prefix_str, {"max_new_tokens": 0})

    def commit_lazy_operations(self, s: ProgramState) -> None:
        """Compute the text of a state, once all of it is there.

        Raises:
            RunFailed: a part of it will never be there.
        """
        self.cache_prefix(s.text())

    def generate(
        self,
        prompt: str | Sequence[str] | None = None,
        sampling_params: Mapping[str, Any] | Sequence[Mapping[str, Any]] | None = None,
        input_ids: Sequence[int] | Sequence[Sequence[int]] | None = None,
        return_logprob: bool | Sequence[bool] = False,
        logprob_start_len: int | Sequence[int | None] | None = None,
        top_logprobs_num: int | Sequence[int | None] | None = None,
        lora_path: Any = None,
        stream: bool = False,
        *,
        return_text_in_logprobs: bool = False,
    ) -> Any:
        """Return what the model writes behind a prompt, or behind each of a list.

        A reply is ``{"text", "meta_info"}``, as ``/generate`` of a server has it; ``n`` texts, or
        a list of prompts, are a list. With ``stream`` they are an iterator over what comes, piece
        by piece. Names of special tokens in a prompt are those tokens.

        Raises:
            TypeError: a sampling parameter is unknown or of the wrong type.
            ValueError: a value is out of its range; lists do not fit each other.
            RunFailed: a text could not be written.
        """
        from sglc.backends import generation

        texts, is_list = self._begun(
            prompt=prompt, sampling_params=sampling_params, input_ids=input_ids,
            return_logprob=return_logprob, logprob_start_len=logprob_start_len,
            top_logprobs_num=top_logprobs_num, lora_path=lora_path,
            return_text_in_logprobs=return_text_in_logprobs, stream=stream,
        )  # fmt: skip
        if stream:
            return generation.stream(texts, numbered=is_list)
        replies = generation.results(texts)
        return replies if is_list else replies[0]

    async def async_generate(
        self,
        prompt: str | Sequence[str] | None = None,
        sampling_params: Mapping[str, Any] | Sequence[Mapping[str, Any]] | None = None,
        input_ids: Sequence[int] | Sequence[Sequence[int]] | None = None,
        return_logprob: bool | Sequence[bool] = False,
        logprob_start_len: int | Sequence[int | None] | None = None,
        top_logprobs_num: int | Sequence[int | None] | None = None,
        lora_path: Any = None,
        stream: bool = False,
        *,
        return_text_in_logprobs: bool = False,
    ) -> Any:
        """``generate`` for a task of asyncio; with ``stream`` it returns an async iterator.

        Raises:
            TypeError, ValueError, RunFailed: as ``generate``.
        """
        from sglc.backends import generation

        texts, is_list = self._begun(
            prompt=prompt, sampling_params=sampling_params, input_ids=input_ids,
            return_logprob=return_logprob, logprob_start_len=logprob_start_len,
            top_logprobs_num=top_logprobs_num, lora_path=lora_path,
            return_text_in_logprobs=return_text_in_logprobs, stream=stream,
        )  # fmt: skip
        if stream:
            return generation.async_stream(texts, numbered=is_list)
        replies = await generation.async_results(texts)
        return replies if is_list else replies[0]

    def encode(self, prompt: str | Sequence[str]) -> Any:
        """Return ``{"embedding", "meta_info"}`` of a text, or of each of a list.

        The embedding is the hidden state of the last token, of length 1.

        Raises:
            RunFailed: a text has no token, or is too long.
        """
        from sglc.backends import generation

        prompts = [prompt] if isinstance(prompt, str) else list(prompt)
        replies = generation.embeddings(self, [(self._ids(each), each) for each in prompts])
        return replies[0] if isinstance(prompt, str) else replies

    def _begun(
        self, *, prompt: Any, sampling_params: Any, input_ids: Any, return_logprob: Any,
        logprob_start_len: Any, top_logprobs_num: Any, lora_path: Any,
        return_text_in_logprobs: bool, stream: bool,
    ) -> tuple[list[Text], bool]:  # fmt: skip
        """Ask for the texts behind each prompt; return them, and whether the answer is a list."""
        from sglc.backends import generation

        if (prompt is None) == (input_ids is None):
            raise ValueError("give either prompt or input_ids")
        if lora_path is not None:
            raise ValueError("lora_path cannot be given: an engine has no adapters")
        prompts: list[tuple[list[int], str]]
        if input_ids is not None:
            is_list = bool(input_ids) and not isinstance(input_ids[0], int)
            decode = self.get_tokenizer().decode
            lists = input_ids if is_list else [input_ids]
            prompts = [(list(ids), decode(list(ids))) for ids in lists]
        else:
            is_list = not isinstance(prompt, str)
            prompts = [(self._ids(text), text) for text in (prompt if is_list else [prompt])]
        count = len(prompts)
        given = zip(
            prompts,
            generation.each_of(sampling_params, count, "sampling_params"),
            generation.each_of(return_logprob, count, "return_logprob"),
            generation.each_of(logprob_start_len, count, "logprob_start_len"),
            generation.each_of(top_logprobs_num, count, "top_logprobs_num"),
            strict=True,
        )
        asked = [
            generation.wanted(
                ids,
                text,
                params,
                {
                    "return_logprob": bool(is_scored),
                    "logprob_start_len": start if is_scored else None,
                    "top_logprobs_num": top if is_scored else None,
                    "return_text_in_logprobs": return_text_in_logprobs if is_scored else None,
                },
            )
            for (ids, text), params, is_scored, start, top in given
        ]
        texts = generation.begin(self, asked, seed=self._seed(), stream=stream)
        return texts, is_list or any(each.count > 1 for each in asked)

    def _ids(self, text: str) -> list[int]:
        from sglc.compiler.plan.segments import Text
        from sglc.runtime.tokenizer.reading import ReadingEncoder

        if self._reader is None:
            self._reader = ReadingEncoder(self.get_tokenizer(), None)
        return self._reader.encode([Text(text)])

    def _seed(self) -> int:
        """Return a seed for each call, the same ones with the same ``random_seed``."""
        from sglc.compiler.plan.seeds import seed_key

        return seed_key(self.random_seed, next(self._generations), (), "generate") >> 33
