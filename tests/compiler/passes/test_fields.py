"""Records that end behind the fields that are read: same values, same tokens, fewer of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from generators.hash_model import TOKENIZER, scheduler
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sglc.compiler.diagnostics import DiagnosticSink
from sglc.compiler.driver import Optimization, compile_source
from sglc.compiler.passes.pipeline import parse_pipeline
from sglc.compiler.plan.data import plain
from sglc.compiler.source import SourceFile
from sglc.runtime.core.events import Decoded, Event
from sglc.runtime.executor.executor import Executor
from sglc.runtime.scheduler.scheduler import Scheduler
from sglc.runtime.tokenizer.chatml import CHATML
from sglc.runtime.tokenizer.prompt import PromptEncoder

TYPES = ["int(0..30)", "bool", "str(max=6)", '"yes" | "no"', "list[int(0..9)](max=2)"]


@dataclass
class Ran:
    """The value of a run, and the ids of its decodes in the order of their ends."""

    value: Any
    decodes: list[tuple[int, ...]]


def run(text: str, pipeline: str) -> Ran:
    optimization = Optimization(parse_pipeline(pipeline), runs_entry=True, by_value=True)
    program = compile_source(SourceFile("t.sgl", text), DiagnosticSink(), None, optimization)
    assert program is not None
    decodes: list[tuple[int, ...]] = []

    class Noting(Scheduler):
        def step(self) -> list[Event]:
            events = super().step()
            decodes.extend(event.result.ids for event in events if isinstance(event, Decoded))
            return events

    backend = scheduler(20_000)
    backend.__class__ = Noting
    executor = Executor(backend, PromptEncoder(TOKENIZER, CHATML))
    result = executor.drive(executor.submit(program.plan, {"q": "why?"}, seed=3))
    executor.close()
    assert result.error is None, result.error
    return Ran(plain(result.value), decodes)


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    types=st.lists(st.sampled_from(TYPES), min_size=2, max_size=4),
    read=st.sets(st.integers(0, 3), min_size=1, max_size=2),
    temperature=st.sampled_from(["0", "1.5"]),
    calls=st.booleans(),
)
def test_what_is_read_is_what_it_would_have_been(
    types: list[str], read: set[int], temperature: str, calls: bool
) -> None:
    wanted = sorted({index % len(types) for index in read})
    fields = ", ".join(f"f{i}: {t}" for i, t in enumerate(types))
    values = "".join(f"{{found.f{i}}};" for i in wanted)
    decode = f"gen(R, temperature={temperature})"
    text = (
        f"type R = {{{fields}}}\n"
        f'prompt ask(q: str) -> R:\n    "Q: {{q}}\\n"\n    return {decode}\n'
        'prompt main(q: str) -> str:\n    "Question: {q}\\n"\n'
    )
    text += "    found = ask(q)\n" if calls else f"    found = {decode}\n"
    text += f'    return "{values}"\n'
    whole, cut = run(text, ""), run(text, "fields")
    assert cut.value == whole.value
    (all_ids,), (ids,) = whole.decodes, cut.decodes
    assert all_ids[: len(ids)] == ids
    assert (len(ids) < len(all_ids)) == (wanted[-1] < len(types) - 1)
