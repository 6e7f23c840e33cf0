"""Ids and logits of a model, to be compared with those of another implementation.

The logits are those of the engine's own steps: a prompt's first half, its rest behind the cached
half, then token by token.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TextIO

from sglc.cli.errors import CommandError, UsageError

if TYPE_CHECKING:
    from torch import Tensor

    from sglc.runtime.core.batch import ForwardBatch
    from sglc.runtime.engine.runner import ModelRunner
    from sglc.runtime.options import LocalOptions
    from sglc.runtime.scheduler.scheduler import Scheduler

PROMPTS = (
    "The capital of France is",
    "The capital of the United Kingdom is",
    "Today is a sunny day and I like",
)
_TOP = 5


class TappedRunner:
    """A model whose last logits are kept: ``last`` [R, V], float32."""

    def __init__(self, runner: ModelRunner) -> None:
        self._runner = runner
        self.last: Tensor | None = None

    @property
    def vocab_size(self) -> int:
        """As of the model."""
        return self._runner.vocab_size

    @property
    def max_context(self) -> int:
        """As of the model."""
        return self._runner.max_context

    @property
    def num_slots(self) -> int:
        """As of the model."""
        return self._runner.num_slots

    def forward(self, batch: ForwardBatch) -> Tensor:
        """Compute a batch, and keep a copy of its logits: the engine may write into them."""
        logits = self._runner.forward(batch)
        self.last = logits.clone()
        return logits

    def hidden(self, batch: ForwardBatch) -> Tensor:
        """As of the model."""
        return self._runner.hidden(batch)

    def logits(self, hidden: Tensor) -> Tensor:
        """As of the model."""
        return self._runner.logits(hidden)


def print_logits(options: LocalOptions, cut_len: int, output_len: int, stream: TextIO) -> None:
    """Print, for each of ``PROMPTS``, its ids, the largest logits behind its first ``cut_len``
    tokens, behind all of them and behind every token written, and what is written.

    Raises:
        ModelError: the model cannot be loaded.
        UsageError: a prompt has not that many tokens, or the context does not hold the text.
        CommandError: a stream failed.
    """
    from sglc.runtime.core.vocabulary import Vocabulary
    from sglc.runtime.models.files import load_files
    from sglc.runtime.models.loading import load_model
    from sglc.runtime.scheduler.scheduler import Scheduler

    loaded = load_model(
        options.model,
        options.dtype,
        options.device,
        files=load_files(options.model, options.tokenizer),
        dummy=options.load_format == "dummy",
        context_length=options.context_length,
    )
    tokenizer = loaded.tokenizer
    runner = TappedRunner(loaded.runner(options.num_slots, options.memory_fraction))
    vocabulary = Vocabulary.of(tokenizer.token_bytes, tokenizer.eos_ids, loaded.config.vocab_size)
    scheduler = Scheduler(runner, vocabulary, options.engine)
    for number, text in enumerate(PROMPTS):
        ids = (*tokenizer.bos_ids, *tokenizer.encode(text))
        if cut_len >= len(ids):
            raise UsageError(f"--cut-len {cut_len}: {text!r} has {len(ids)} tokens; give fewer")
        if len(ids) + output_len > runner.max_context:
            raise UsageError(
                f"--output-len {output_len}: the context holds {runner.max_context} tokens, "
                f"and {text!r} takes {len(ids)}"
            )
        print(f"prompt {number}: {text!r}\n  input ids: {list(ids)}", file=stream)
        half, _ = _written(scheduler, runner, ids[:cut_len], 1)
        print(f"  prefill logits (first half): {half[0]}", file=stream)
        tops, written = _written(scheduler, runner, ids, output_len)
        print(f"  prefill logits (final):      {tops[0]}", file=stream)
        for place, top in enumerate(tops[1:]):
            print(f"  decode logits ({place}):          {top}", file=stream)
        print(f"  output ids: {written}", file=stream)
        print(f"  text: {tokenizer.decode((*ids, *written))!r}", file=stream)


def _written(
    scheduler: Scheduler, runner: TappedRunner, ids: tuple[int, ...], num_output: int
) -> tuple[list[str], list[int]]:
    """Return the largest logits of each step, as text, and the ids that were written."""
    from sglc.runtime.core.events import Decoded, Failed
    from sglc.runtime.core.sampling import SamplingParams
    from sglc.runtime.core.script import Decode, Extend, StreamRequest

    greedy = Decode(num_output, SamplingParams(temperature=0.0), ignore_eos=True)
    scheduler.submit(StreamRequest((Extend(ids), greedy), deltas=False))
    tops: list[str] = []
    written: list[int] = []
    while not scheduler.idle:
        runner.last = None
        for event in scheduler.step():
            if isinstance(event, Failed):
                raise CommandError(f"the prompt cannot be computed: {event.message}")
            if isinstance(event, Decoded):
                written = list(event.result.ids)
        if runner.last is not None and len(runner.last):
            values, places = runner.last[-1].float().topk(_TOP)
            pairs = zip(places.tolist(), values.tolist(), strict=True)
            tops.append(", ".join(f"{token}: {value:.4f}" for token, value in pairs))
    return tops, written
