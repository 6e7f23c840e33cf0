"""Every example on the embedded model: it answers sensibly, and as the reference says it must."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from sglc.cli.estimates import evaluate
from sglc.compiler.cost.estimate import Settings, estimate
from sglc.compiler.diagnostics import DiagnosticSink
from sglc.compiler.driver import Optimization, Program, compile_source
from sglc.compiler.interpreter import ReferenceModel, interpret
from sglc.compiler.passes.pipeline import DEFAULT_LEVEL, level
from sglc.compiler.plan.arguments import bind_arguments
from sglc.compiler.source import SourceFile
from sglc.runtime.executor.executor import Executor
from sglc.runtime.executor.profile import Profile
from sglc.runtime.executor.recorder import Recorder
from sglc.runtime.executor.run import Result
from sglc.runtime.executor.tools import ToolRegistry
from sglc.runtime.host import Host
from sglc.runtime.local import LocalHost

EXAMPLES = Path(__file__).parents[2] / "examples"
ESSAY = "In my opinion, music brings people together. It also makes people happy."


def is_line(text: object) -> bool:
    return isinstance(text, str) and bool(text.strip()) and "\n" not in text


def is_sentence(text: object) -> bool:
    return isinstance(text, str) and len(text.split()) >= 3


def character(r: Result) -> bool:
    return r.value["house"] == "Gryffindor" and r.value["alive"] == "Alive"


def rag(r: Result) -> bool:
    return is_sentence(r.value["answer"]) or bool(r.value["answer"])


# file, prompt, arguments, what a sensible result is
CASES: list[tuple[str, str, Mapping[str, Any], Callable[[Result], bool]]] = [
    ("agent", "agent", {"task": "Fix the failing test.", "max_steps": 4}, lambda r: r.value != ""),
    (
        "capitals",
        "capitals",
        {"question": "What is the capital of France?"},
        lambda r: "Paris" in r.value,
    ),
    ("character", "character", {"name": "Harry Potter"}, character),
    (
        "debate",
        "debate",
        {"topic": "Schools should start later."},
        lambda r: re.fullmatch(r"The winner is (pro|con), \d+% sure\.", r.value) is not None,
    ),
    ("dns_ip", "dns_ip", {}, lambda r: r.captures["answer"] == "8.8.8.8"),
    (
        "judge",
        "judge",
        {"essay": ESSAY},
        lambda r: is_sentence(r.value["summary"]) and r.value["grade"] in "ABCD",
    ),
    (
        "multi_turn",
        "multi_turn",
        {"question_1": "What is the capital of Japan?", "question_2": "And of Peru?"},
        lambda r: "Tokyo" in r.captures["answer_1"] and "Lima" in r.captures["answer_2"],
    ),
    ("rag", "rag", {"question": "What is the capital of Kenya?"}, rag),
    ("react", "react", {"question": "What is the capital of Peru?"}, lambda r: is_line(r.value)),
    (
        "solve",
        "solve",
        {"question": "Tom has 3 apples and buys 5 more. How many apples does he have?"}
        | {"samples": 4},
        lambda r: isinstance(r.value, int),
    ),
    (
        "text_qa",
        "text_qa",
        {"question": "What is the capital of Italy?"},
        lambda r: "Rome" in r.captures["answer"],
    ),
    (
        "tip_suggestion",
        "tip_suggestion",
        {},
        lambda r: (
            re.search(r"Tip 1:.*\bdiet\b.*\nTip 2:.*\bexercise\b.*\n", r.text) is not None
            and is_sentence(r.captures["summary"])
        ),
    ),
    (
        "tool_use",
        "tool_use",
        {"question": "What is 12 * 12?"},
        lambda r: r.captures["tool"] == "calculator" and "12 * 12" in r.captures["expression"],
    ),
    (
        "tool_use",
        "tool_use",
        {"question": "Who wrote Hamlet?"},
        lambda r: r.captures["tool"] == "search engine" and is_line(r.captures["word"]),
    ),
    (
        "tour",
        "tour",
        {},
        lambda r: (
            r.captures["tool"] == "calculator"
            and all(is_sentence(tip) for tip in r.captures["tips"])
            and r.captures["person"] == {"name": "Leo", "age": 53, "city": "Rome"}
        ),
    ),
    (
        "tree_of_thought",
        "tree_of_thought",
        {"question": "Tom has 3 apples and buys 5 more. How many apples does he have?"}
        | {"width": 2},
        lambda r: is_line(r.value),
    ),
]
IDS = [f"{file}-{i}" for i, (file, *_) in enumerate(CASES)]


def compiled(file: str, number: int = DEFAULT_LEVEL) -> Program:
    sink = DiagnosticSink()
    source = SourceFile.read(EXAMPLES / f"{file}.sgl")
    program = compile_source(source, sink, None, Optimization(level(number)))
    assert program is not None, sink.diagnostics
    return program


@pytest.mark.parametrize(("file", "prompt", "arguments", "is_sensible"), CASES, ids=IDS)
def test_example_answers_sensibly(
    host: Host,
    file: str,
    prompt: str,
    arguments: Mapping[str, Any],
    is_sensible: Callable[[Result], bool],
) -> None:
    result = host.run(compiled(file).plan.with_entry(prompt), arguments)
    assert result.error is None, f"{result.error}: {result.captures}"
    assert is_sensible(result), f"{result.value}\n{result.captures}\n{result.text}"


@pytest.mark.parametrize(("file", "prompt", "arguments", "_"), CASES, ids=IDS)
def test_executor_equals_the_reference_interpreter(
    host: Host,
    transformers_model: ReferenceModel,
    example_tools: Mapping[str, Callable[..., Any]],
    file: str,
    prompt: str,
    arguments: Mapping[str, Any],
    _: object,
) -> None:
    """Token for token in fp32, against transformers' arithmetic, whatever passes have run."""
    program = compiled(file, 0)
    plan = program.plan.with_entry(prompt)
    given = bind_arguments(plan.functions[prompt], arguments)
    tools = {n: f for n, f in example_tools.items() if n in program.graph.tools}
    outcome = interpret(program.graph, prompt, given, transformers_model, seed=11, tools=tools)
    for number in (0, 1, 2):
        result = host.run(compiled(file, number).plan.with_entry(prompt), arguments, seed=11)
        assert (result.error is None) == (outcome.error is None), (result.error, outcome.error)
        assert result.text == outcome.text
        assert result.value == outcome.value
    assert result.messages == outcome.messages


@pytest.mark.parametrize(("file", "prompt", "arguments", "_"), CASES, ids=IDS)
def test_profile_says_what_the_engine_counts(
    host: LocalHost, file: str, prompt: str, arguments: Mapping[str, Any], _: object
) -> None:
    """Under a clock that moves whenever it is read, so that equal times mean nothing."""
    recorder = Recorder(itertools.count().__next__, timeline=True)
    tools = ToolRegistry(search_path=[EXAMPLES])
    executor = Executor(host.scheduler, host.encoder, tools=tools, recorder=recorder)
    plan = compiled(file).plan.with_entry(prompt)
    runs = [executor.submit(plan, arguments, instance=i) for i in range(2)]
    executor.run_until_idle()
    executor.close()
    profile = Profile.of(recorder)
    total = asdict(profile.total.stats)
    assert profile.total.calls > 0
    for key in total.keys() & profile.counters.keys():
        assert total[key] == profile.counters[key], key
    costs = [cost for run in runs for cost in run.result().stats.values()]
    assert sum(cost.calls for cost in costs) == profile.total.calls
    places = list(profile.places)
    assert all(loc is not None and loc.file for loc in places)
    for record in recorder.runs:
        assert record.longest is not None
        longest_call_ns = max(call.duration_ns for call in record.calls)
        assert longest_call_ns <= record.longest.length_ns <= record.duration_ns
        for call in record.calls:
            assert sum(call.spent_ns.values()) == call.duration_ns


def test_every_example_has_a_case() -> None:
    files = {path.stem for path in EXAMPLES.glob("*.sgl")}
    assert files - {file for file, *_ in CASES} == {"image_qa"}


def test_a_model_that_cannot_see_is_refused_before_it_runs(host: Host) -> None:
    plan = compiled("image_qa").plan
    result = host.run(plan, {"photo": "cat.png", "question": "What is this?"})
    assert result.error is not None
    assert "image" in str(result.error)


def test_the_questions_of_the_batch_are_rows() -> None:
    lines = (EXAMPLES / "questions.jsonl").read_text().splitlines()
    assert all(list(json.loads(line)) == ["question"] for line in lines)


@pytest.mark.parametrize(("file", "prompt", "arguments", "_"), CASES, ids=IDS)
def test_examples_cost_what_was_estimated(
    host: LocalHost, file: str, prompt: str, arguments: Mapping[str, Any], _: object
) -> None:
    """On a tokenizer whose tokens are not bytes."""
    program = compiled(file)
    found = estimate(
        program.optimized,
        prompt,
        [arguments],
        encoder=host.encoder,
        evaluate=evaluate,
        settings=Settings(max_context=host.scheduler.max_context),
    )
    host.scheduler.flush_cache()
    before = host.scheduler.stats()
    result = host.run(program.plan.with_entry(prompt), arguments)
    assert result.error is None
    counted = {name: count - before[name] for name, count in host.scheduler.stats().items()}
    assert found.whole.calls.holds(sum(cost.calls for cost in result.stats.values()))
    for name in ("prefilled", "decoded", "forced", "scored"):
        interval, count = getattr(found.whole, name), counted[f"{name}_tokens"]
        assert interval.holds(count), f"{name}: {count} is not in {interval}"
    assert found.steps.holds(counted["forward_passes"])
