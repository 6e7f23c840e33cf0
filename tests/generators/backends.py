"""Backends of the frontend for tests: the model whose logits are a hash of the tokens so far."""

from __future__ import annotations

import threading

import torch

from sglc.backends.backend import Backend, Made, Seam
from sglc.runtime.config import EngineConfig
from sglc.runtime.core.vocabulary import Vocabulary
from sglc.runtime.engine.hash_runner import HashRunner
from sglc.runtime.executor.executor import Executor
from sglc.runtime.scheduler.scheduler import Scheduler
from sglc.runtime.tokenizer.byte import ByteTokenizer
from sglc.runtime.tokenizer.chatml import CHATML
from sglc.runtime.tokenizer.prompt import PromptEncoder

TOKENIZER = ByteTokenizer()
EOS = TOKENIZER.special_ids["<|endoftext|>"]


def hash_backend(
    *, num_slots: int = 50_000, max_running: int = 64, seam: Seam = "repair"
) -> Backend:
    """Return a backend on the hash model, in a thread of its own; the caller shuts it down."""
    torch.set_num_threads(1)

    def make(wake: threading.Event) -> Made:
        runner = HashRunner(TOKENIZER.vocab_size, num_slots, 4096, eos_id=EOS)
        vocabulary = Vocabulary.of(TOKENIZER.token_bytes, TOKENIZER.eos_ids, TOKENIZER.vocab_size)
        config = EngineConfig(max_running=max_running)
        scheduler = Scheduler(runner, vocabulary, config, TOKENIZER, None)
        encoder = PromptEncoder(TOKENIZER, CHATML)
        return Executor(scheduler, encoder, wake=wake), encoder

    return Backend(make, name="hash", seam=seam)
