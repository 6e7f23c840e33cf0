"""What is warmed ahead of a call and cannot be computed is the call's to report."""

from __future__ import annotations

import pytest
from generators.hash_model import MAX_CONTEXT, TOKENIZER, scheduler

from sglc.compiler.ir.reader import parse_module
from sglc.compiler.ir.verify import verify
from sglc.compiler.lowering.lower import lower_module
from sglc.runtime.executor.executor import Executor
from sglc.runtime.executor.run import Result
from sglc.runtime.scheduler.scheduler import Scheduler
from sglc.runtime.tokenizer.chatml import CHATML
from sglc.runtime.tokenizer.prompt import PromptEncoder

AHEAD = """
prompt @main(%q: str) -> str {
  %s0 = stream
  %s1 = put %s0, %q
  warm %s1
  %s2 = put %s1, "x"
  warm %s2
  %s3, %x = gen %s2 <max_tokens = 4, rng = "2", name = "x">
  release %s3
  return %s3, result = %x
}
"""


def run(text: str, question: str, num_slots: int) -> tuple[Result, Scheduler]:
    """Run to the end; also the backend, in which no stream is left."""
    module = parse_module(text)
    verify(module)
    backend = scheduler(num_slots)
    executor = Executor(backend, PromptEncoder(TOKENIZER, CHATML))
    result = executor.drive(executor.submit(lower_module(module, "main"), {"q": question}, seed=1))
    executor.close()
    assert backend.snapshot().num_held == 0
    return result, backend


@pytest.mark.parametrize(("length", "num_slots"), [(MAX_CONTEXT + 1, 20_000), (200, 100)])
def test_a_prompt_that_is_too_long_fails_its_call(length: int, num_slots: int) -> None:
    """The stream of the warmed prompt has failed, not reported yet, when the call takes it over."""
    result, _ = run(AHEAD, "a " * length, num_slots)
    assert result.error is not None
    assert result.error.code == "model"
    assert "tokens long" in result.error.message or "KV slots" in result.error.message


def test_a_warmed_prompt_is_computed_once_in_one_stream() -> None:
    result, backend = run(AHEAD, "a b", 100)
    assert result.error is None
    stats = backend.stats()
    assert stats["prefilled_tokens"] == len(TOKENIZER.encode("a bx"))
    assert (stats["queue_entries"], stats["resumes"]) == (1, 2)
