"""Estimates hold what runs cost: on generated programs, on all examples, for known and unknown
arguments, one row and many, with and without passes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from generators.estimates import Actual, estimated, expect_covered
from generators.hash_model import MAX_CONTEXT
from generators.ir_programs import ARGUMENTS, ENTRY, modules
from generators.ir_programs import make_tools as ir_tools
from generators.sgl_programs import make_tools, programs
from generators.shipped_programs import CASES, IDS, ROOT
from generators.shipped_programs import make_tools as shipped_tools
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from sglc.compiler.cost import decodes
from sglc.compiler.cost.estimate import Settings
from sglc.compiler.cost.interval import Interval
from sglc.compiler.diagnostics import DiagnosticSink
from sglc.compiler.driver import CheckOptions, Optimization, compile_source
from sglc.compiler.evaluation import evaluate_function
from sglc.compiler.ir.graph import Module
from sglc.compiler.passes.base import Context
from sglc.compiler.passes.pipeline import level, parse_pipeline
from sglc.compiler.source import SourceFile
from sglc.runtime.config import EngineConfig
from sglc.runtime.executor.limits import Limits
from sglc.runtime.executor.options import DEFAULT_MAX_TOKENS

_SLOW = list(HealthCheck)
_FAST = settings(
    deadline=None, suppress_health_check=_SLOW, phases=(Phase.explicit, Phase.generate)
)


def graph_of(source: SourceFile, entry: str, number: int) -> Module:
    sink = DiagnosticSink()
    optimization = Optimization(level(number), runs_entry=True, entry=entry)
    program = compile_source(source, sink, CheckOptions(), optimization)
    assert program is not None, sink.diagnostics
    return program.optimized


@settings(_FAST, max_examples=30)
@given(text=programs(), number=st.sampled_from((0, 2)), seed=st.integers(0, 99))
def test_generated_programs_cost_what_was_estimated(text: str, number: int, seed: int) -> None:
    module = graph_of(SourceFile("p.sgl", text), "main", number)
    arguments = {"x": "what", "n": 2}
    actual = Actual(module, "main", [arguments], make_tools([]), seed)
    expect_covered(estimated(module, "main", [arguments]), actual)
    expect_covered(estimated(module, "main", [{"n": 2}]), actual)  # with any text
    expect_covered(estimated(module, "main", [arguments], has_tokenizer=False), actual)


@settings(_FAST, max_examples=15)
@given(text=programs(), number=st.sampled_from((0, 2)))
def test_rows_of_generated_programs_share_what_was_estimated(text: str, number: int) -> None:
    module = graph_of(SourceFile("p.sgl", text), "main", number)
    rows = [{"x": "what"}, {"x": "whatever"}, {"x": "what", "n": 0}, {"x": "what"}]
    expect_covered(estimated(module, "main", rows), Actual(module, "main", rows, make_tools([])))


@settings(_FAST, max_examples=30)
@given(module=modules(), seed=st.integers(0, 99))
def test_generated_graphs_cost_what_was_estimated(module: Module, seed: int) -> None:
    actual = Actual(module, ENTRY, [ARGUMENTS], ir_tools([]), seed)
    expect_covered(estimated(module, ENTRY, [ARGUMENTS]), actual)
    expect_covered(estimated(module, ENTRY, [{"n": ARGUMENTS["n"]}]), actual)  # with any text
    expect_covered(estimated(module, ENTRY, [ARGUMENTS], has_tokenizer=False), actual)


@pytest.mark.parametrize("number", [0, 2])
@pytest.mark.parametrize(("name", "prompt", "arguments"), CASES, ids=IDS)
def test_programs_that_are_shipped_cost_what_was_estimated(
    name: str, prompt: str, arguments: Mapping[str, Any], number: int
) -> None:
    module = graph_of(SourceFile.read(ROOT / f"{name}.sgl"), prompt, number)
    tools = {key: tool for key, tool in shipped_tools([]).items() if key in module.tools}
    actual = Actual(module, prompt, [arguments], tools)
    expect_covered(estimated(module, prompt, [arguments]), actual)


BRANCHES = """
let NESTED = "start: /a/ start /b/ | /x/"
prompt main(x: str = "what", n: int = 2):
    "begin{n}"
    nested = gen(grammar(NESTED), max_tokens=5)
    fork i in 1..2 as vote:
        "{i}{gen(str(max=6))}"
        " v{i}: {v = gen(int(0..2), temperature=0.7, top_k=5)}"
    n = majority(vote.v)
    "end"
"""


def test_what_one_branch_has_freed_is_not_counted_beside_another() -> None:
    module = graph_of(SourceFile("p.sgl", BRANCHES), "main", 2)
    arguments = {"x": "what", "n": 2}
    found = estimated(module, "main", [arguments])
    expect_covered(found, Actual(module, "main", [arguments], {}, 0))
    assert 0 < found.slots.lo < found.whole.prefilled.lo


KEPT = """
prompt main(x: str = "what") -> str:
    "begin {x}"
    fork i in 1..2 as vote:
        " v{i}: {v = gen(int, max_tokens=3)}"
    keep best(vote, by=.v)
    " so{word = gen(word, max_tokens=3)}"
    return word
"""


def test_what_stands_behind_a_branch_that_is_kept_begins_with_it() -> None:
    module = graph_of(SourceFile("p.sgl", KEPT), "main", 2)
    assert any(op.name == "gather" for _, op in module.walk())
    found = estimated(module, "main", [{"x": "what"}])
    expect_covered(found, Actual(module, "main", [{"x": "what"}], {}, 0))
    last = max(found.places, key=lambda place: place.line if place else 0)
    assert 0 < found.places[last].prompt.hi < MAX_CONTEXT


FEW_SHOT = """
let shots = "Q: One and one? A: two. Q: Two and two? A: four. Q: Three and three? A: six. "
prompt ask(question: str) -> str:
    "{shots}Q: {question} A:{answer = gen(max_tokens=6)}"
    return answer
"""


@pytest.mark.parametrize("number", [0, 2])
def test_rows_of_a_few_shot_program_are_exact(number: int) -> None:
    """What is computed is the number of distinct tokens of the prompts' trie."""
    questions = [f"{a} and {b}?" for a in ("Four", "Five", "Fifty") for b in ("one", "two", "ten")]
    rows = [{"question": question} for question in questions]
    module = graph_of(SourceFile("p.sgl", FEW_SHOT), "ask", number)
    found = estimated(module, "ask", rows)
    shots = FEW_SHOT.split('"')[1]
    prompts = [f"{shots}Q: {question} A:" for question in questions]
    distinct = {prompt[:end] for prompt in prompts for end in range(1, len(prompt) + 1)}
    assert found.whole.prefilled == Interval.exactly(len(distinct))
    assert found.whole.prompt == Interval.exactly(sum(map(len, prompts)))
    assert found.whole.decoded == Interval(len(rows), 6 * len(rows))
    expect_covered(found, Actual(module, "ask", rows, {}))


_GEN = '"{gen(max_tokens=2)}"'


@pytest.mark.parametrize(
    ("lines", "calls", "decoded"),
    [
        ([f'while x == "b" limit 3: {_GEN}'], (0, 3), (0, 6)),
        ([f"for i in 1..n: {_GEN}"], (0, 1_000_000), (0, 2_000_000)),
        ([f"for i in 1..4: {_GEN}"], (4, 4), (4, 8)),
        ([f"fork i in 1..n as g: {_GEN}"], (0, 1_000), (0, 2_000)),
        ([f'if x == "b": {_GEN}', 'else: "{gen(max_tokens=9)}"'], (1, 1), (1, 9)),
        (['if x == "b": return', _GEN], (0, 1), (0, 2)),
        (['y = try t(x) else "z"', '"{y}"', _GEN], (1, 1), (1, 2)),
        (["for i in 1..2:", '    if x == "b": break', f"    {_GEN}"], (0, 2), (0, 4)),
        (['xs = [q("u") for i in 1..3]', '"{xs}"'], (3, 3), (3, 15)),
    ],
)
def test_control_gives_ranges(
    lines: list[str], calls: tuple[int, int], decoded: tuple[int, int]
) -> None:
    head = (
        "@readonly\ntool t(x: str) -> str\n"
        'prompt q(s: str) -> str:\n    "{s}{a = gen(max_tokens=5)}"\n    return a\n'
        "prompt main(x: str, n: int):"
    )
    text = "".join(line + "\n" for line in (head, *("    " + line for line in ('"a"', *lines))))
    module = graph_of(SourceFile("p.sgl", text), "main", 0)
    whole = estimated(module, "main", [{}]).whole
    limit = Settings().max_calls
    assert whole.calls == Interval(*calls).at_most(limit)
    assert whole.decoded == Interval(*decoded)


def test_clipped_texts_are_short() -> None:
    text = """
import std.text
tool t(x: str) -> str
prompt main(x: str):
    "{text.clip(t(x), 100)}{gen(max_tokens=2)}"
"""
    found = estimated(graph_of(SourceFile("p.sgl", text), "main", 0), "main", [{"x": "a"}])
    assert found.whole.prompt == Interval(0, 400)


TWO_ARMS = """
prompt side(x: str) -> str:
    "Is it?{a = gen(word, max_tokens=4)}"
    return a
prompt main(x: str):
    "The beginning. "
    if side(x) == "b": "One{gen(max_tokens=20)}"
    else: "Another{gen(max_tokens=20)}"
"""


def test_arms_that_may_compute_the_same_count_once() -> None:
    text = """
prompt main(x: str):
    "The beginning. "
    if x == "b": "One{gen(max_tokens=2)}"
    else: "Another{gen(max_tokens=2)}"
"""
    found = estimated(graph_of(SourceFile("p.sgl", text), "main", 0), "main", [{}])
    assert found.whole.prefilled.hi == len("The beginning. Another")


def test_arms_that_may_begin_early_count_together() -> None:
    module = graph_of(SourceFile("p.sgl", TWO_ARMS), "main", 0)
    spec = parse_pipeline("spec{guess=true,width=2}")
    early = spec.run(module, Context(evaluate=evaluate_function))
    assert estimated(module, "main", [{}]).whole.calls == Interval(2, 2)
    assert estimated(early, "main", [{}]).whole.calls.hi > 2


def test_the_defaults_are_those_of_the_runtime() -> None:
    limits, own = Limits(), Settings()
    assert own.max_calls == limits.max_model_calls
    assert own.max_tokens == limits.max_tokens
    assert own.max_branches == limits.max_fork_width
    assert own.max_turns == limits.max_turns
    assert own.chunk_size == EngineConfig().chunk_size
    assert decodes.DEFAULT_MAX_TOKENS == DEFAULT_MAX_TOKENS
