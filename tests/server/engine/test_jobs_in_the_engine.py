"""Generations and embeddings on a scheduler, without processes: what is reported of a job."""

from __future__ import annotations

import math
import threading
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
import torch
from generators.hash_model import EOS, TOKENIZER
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sglc.constraints.types import Regex
from sglc.runtime.config import EngineConfig
from sglc.runtime.core.sampling import SamplingParams
from sglc.runtime.core.vocabulary import Vocabulary
from sglc.runtime.engine.hash_model import hash_logits
from sglc.runtime.engine.hash_runner import HashRunner
from sglc.runtime.engine.sample_reference import log_softmax_reference, top_reference
from sglc.runtime.executor.constraints import ConstraintCompiler
from sglc.runtime.scheduler.scheduler import Scheduler
from sglc.server.engine.embedding import Embedding
from sglc.server.engine.generating import Generating
from sglc.server.engine.job import Job
from sglc.server.engine.messages import (
    Failed,
    Finished,
    Generation,
    JobReply,
    Sampled,
    Vector,
    Written,
)

torch.set_num_threads(1)
MAX_CONTEXT = 128
VOCAB_SIZE = TOKENIZER.vocab_size
PROMPTS = st.lists(st.integers(0, 255), min_size=2, max_size=20).map(tuple)


class Engine:
    """What the engine's process has, driven by hand."""

    def __init__(self, max_running: int = 256) -> None:
        vocabulary = Vocabulary.of(TOKENIZER.token_bytes, [EOS])
        runner = HashRunner(VOCAB_SIZE, 400, MAX_CONTEXT, eos_id=EOS)
        self.scheduler = Scheduler(
            runner, vocabulary, EngineConfig(max_running=max_running), TOKENIZER
        )
        self.wake = threading.Event()
        self.compiler = ConstraintCompiler(self.wake)
        self.generating = Generating(self.scheduler, self.compiler)

    def run(self, generation: Generation) -> list[JobReply]:
        """Return all replies to one generation."""
        self.generating.begin(1, generation)
        replies = self.generating.take([])
        while self.generating.num_jobs:
            if self.generating.is_waiting:
                self.wake.wait(10)
                self.wake.clear()
                self.generating.take_prepared()
            replies += self.generating.take(self.scheduler.step())
        assert self.scheduler.slot_usage.held == 0
        return replies


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    made = Engine()
    yield made
    made.compiler.close()


def logprobs_after(ids: Sequence[int]) -> list[float]:
    return log_softmax_reference(hash_logits(ids, VOCAB_SIZE, EOS))


@settings(max_examples=30, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(
    ids=PROMPTS,
    begin=st.integers(1, 20),
    num_top=st.sampled_from([0, 2]),
    max_tokens=st.sampled_from([0, 1, 6]),
    num_samples=st.sampled_from([1, 3]),
)
def test_log_probabilities_of_a_prompt_are_those_of_the_model(
    engine: Engine, ids: Any, begin: int, num_top: int, max_tokens: int, num_samples: int
) -> None:
    begin = min(begin, len(ids))
    generation = Generation(
        ids=ids,
        max_tokens=max_tokens,
        num_samples=num_samples,
        prompt_logprobs_from=begin,
        num_prompt_top=num_top,
    )
    *samples, last = engine.run(generation)
    assert last == Finished(1)
    assert len(samples) == num_samples
    for sample in samples:
        assert isinstance(sample, Sampled)
        assert sample.prompt is not None
        assert sample.prompt.begin == begin
        assert sample.stats.cached_tokens <= begin
        rows = [logprobs_after(ids[:p]) for p in range(begin, len(ids))]
        expected = [row[i] for row, i in zip(rows, ids[begin:], strict=True)]
        assert sample.prompt.logprobs == pytest.approx(expected, abs=1e-5)
        if num_top:
            tops = [[i for i, _ in top_reference(row, num_top)] for row in rows]
            assert sample.prompt.top_logprobs is not None
            assert [[i for i, _ in top] for top in sample.prompt.top_logprobs] == tops
        else:
            assert sample.prompt.top_logprobs is None


@pytest.mark.parametrize("begin", [0, 4])
def test_a_prompt_has_log_probabilities_from_its_second_token_to_its_last(
    engine: Engine, begin: int
) -> None:
    generation = Generation(ids=(1, 2, 3), max_tokens=1, prompt_logprobs_from=begin)
    (failed,) = engine.run(generation)
    assert isinstance(failed, Failed)
    assert (failed.job, failed.status) == (1, 400)


@settings(max_examples=30, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(
    ids=PROMPTS,
    num_logprobs=st.sampled_from([None, 0, 2]),
    constraint=st.sampled_from([None, Regex(r'\{"name": "[a-z]{1,3}"(, "é": 1)?\}')]),
    stop=st.sampled_from([(), ("z",), ("z", "xy")]),
    data=st.data(),
)
def test_what_is_written_is_the_sample_however_it_is_joined(
    engine: Engine, ids: Any, num_logprobs: int | None, constraint: Any, stop: Any, data: Any
) -> None:
    generation = Generation(
        ids=ids,
        max_tokens=40,
        sampling=SamplingParams(temperature=1.0),
        num_samples=2,
        stop=stop,
        constraint=constraint,
        num_logprobs=num_logprobs,
        deltas=True,
    )
    job = Job(1, lambda _: None)
    written = [Written(1, sample, "") for sample in range(2)]
    done: dict[int, Sampled] = {}
    for reply in engine.run(generation):
        job.put(reply)
        if job.is_over or data.draw(st.booleans()):
            for each in job.take():
                if isinstance(each, Written):
                    assert each.sample not in done
                    written[each.sample] += each
                elif isinstance(each, Sampled):
                    done[each.sample] = each
    for sample, whole in enumerate(written):
        result = done[sample].result
        assert result is not None
        assert (whole.text, whole.ids) == (result.text, result.ids)
        assert whole.logprobs == result.logprobs
        assert whole.top_logprobs == (result.top_logprobs or ())


def test_embeds_every_prompt_once(engine: Engine) -> None:
    embedding = Embedding(engine.scheduler)
    embedding.begin(7, [(1, 2, 3), (4,), (1, 2, 3)])
    replies: list[JobReply] = []
    while embedding.num_jobs:
        replies += embedding.take(engine.scheduler.step())
    *vectors, last = replies
    assert last == Finished(7)
    found = {each.index: each.vector for each in vectors if isinstance(each, Vector)}
    assert sorted(found) == [0, 1, 2]
    assert found[0] == found[2] != found[1]
    assert all(math.hypot(*vector) == pytest.approx(1.0) for vector in found.values())


def test_a_prompt_that_is_too_long_fails_the_whole_job(engine: Engine) -> None:
    embedding = Embedding(engine.scheduler)
    embedding.begin(7, [(1, 2, 3), (4,) * (MAX_CONTEXT + 1)])
    replies = embedding.take(engine.scheduler.step())
    assert [type(reply) for reply in replies] == [Failed]
    assert not embedding.num_jobs
    assert engine.scheduler.slot_usage.held == 0


def test_a_cancelled_job_reports_nothing_more(engine: Engine) -> None:
    engine.generating.begin(3, Generation(ids=(5, 6), max_tokens=50, deltas=True))
    engine.generating.take(engine.scheduler.step())
    engine.generating.cancel(3)
    assert engine.scheduler.idle
    assert engine.generating.take(engine.scheduler.step()) == []
    assert engine.generating.num_jobs == 0


def test_a_generation_of_a_higher_priority_is_before_those_that_wait() -> None:
    order: list[int] = []
    engine = Engine(max_running=1)
    for number, priority in ((1, -1), (2, -1), (3, 0), (4, 1)):
        engine.generating.begin(
            number, Generation(ids=(1, 2, 3), max_tokens=4, seed=number, priority=priority)
        )
    while engine.generating.num_jobs:
        replies = engine.generating.take(engine.scheduler.step())
        order += [reply.job for reply in replies if isinstance(reply, Finished)]
    engine.compiler.close()
    assert order == [4, 3, 1, 2]
