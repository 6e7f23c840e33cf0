"""The order of rows: near each other what shares a prefix, and the longest first."""

from __future__ import annotations

import random
from typing import Any

import pytest
from generators.hash_model import TOKENIZER
from hypothesis import given, settings
from hypothesis import strategies as st

from sglc.compiler.diagnostics import DiagnosticSink
from sglc.compiler.driver import Optimization, compile_source
from sglc.compiler.passes.pipeline import Pipeline, parse_pipeline
from sglc.compiler.plan.common import common_len
from sglc.compiler.plan.plan import walk
from sglc.compiler.source import SourceFile
from sglc.runtime.executor import ordering
from sglc.runtime.executor.ordering import depth_first, ordered
from sglc.runtime.executor.probe import Known, Probe
from sglc.runtime.tokenizer.chatml import CHATML
from sglc.runtime.tokenizer.prompt import PromptEncoder

TEXTS = st.lists(st.text("ab", max_size=6), max_size=12)
ENCODER = PromptEncoder(TOKENIZER, CHATML)


def probe(text: str, pipeline: Pipeline | None = None) -> Probe:
    sink = DiagnosticSink()
    optimization = Optimization(pipeline or Pipeline())
    program = compile_source(SourceFile("t.sgl", text), sink, None, optimization)
    assert program is not None, sink.diagnostics
    return Probe(program.plan, ENCODER)


@given(TEXTS)
def test_rows_that_share_a_prefix_are_together(texts: list[str]) -> None:
    order = depth_first([Known(text) for text in texts])
    assert sorted(order) == list(range(len(texts)))
    for prefix in {text[:end] for text in texts for end in range(len(text) + 1)}:
        at = [i for i, place in enumerate(order) if texts[place].startswith(prefix)]
        assert at == list(range(at[0], at[0] + len(at)))


@given(TEXTS, st.randoms(use_true_random=False))
def test_of_a_node_the_child_with_the_most_work_comes_first(
    texts: list[str], source: random.Random
) -> None:
    known = [Known(text, source.randint(0, 3)) for text in texts]
    order = depth_first(known)
    for prefix in {text[:end] for text in texts for end in range(len(text) + 1)}:
        most: dict[str, tuple[int, int]] = {}  # by the next character, in the order met
        for place in order:
            text, work = known[place]
            if text.startswith(prefix):
                key = text[len(prefix) : len(prefix) + 1]
                most[key] = min(most.get(key, (0, place)), (-work, place))
        most.pop("", None)  # rows that have no more than the prefix come before all others
        assert list(most.values()) == sorted(most.values())


@given(st.text("ab", max_size=9), st.text("ab", max_size=9))
def test_the_common_prefix(a: str, b: str) -> None:
    length = common_len(a, b)
    assert a[:length] == b[:length]
    assert a[: length + 1] != b[: length + 1] or length == min(len(a), len(b))


ANY_ROW = {"q": "why?", "xs": ["a", "b"]}


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ('"Q: {q}\\n"\n    a = gen(max_tokens=5)\n    "x{gen(max_tokens=5)}"', "Q: why?\n"),
        ('user: "{q}"\n    assistant: a = gen(max_tokens=5)', "<|im_start|>user\nwhy?<|im_end|>\n"
         "<|im_start|>assistant\n"),
        ('for x in xs:\n        "{upper(x)}, "\n    a = gen(max_tokens=5)', "A, B, "),
        ('if len(xs) > 1: "many "\n    else: "one "\n    a = gen(max_tokens=5)', "many "),
        ('"{mark(q)}"\n    a = gen(max_tokens=5)', "[why?]"),
        ('"before "\n    "{look(q)} after"\n    a = gen(max_tokens=5)', "before "),
        ('"{short(q)}"\n    a = gen(max_tokens=5)', "Shorten why?"),
        ('"p"\n    fork x in xs as b:\n        "{x}"\n        a = gen(max_tokens=5)', "pa"),
        ('"{xs[7]}"\n    a = gen(max_tokens=5)', ""),
        ('x = "no model"', ""),
    ],
)  # fmt: skip
def test_the_prompt_is_known_up_to_the_first_call(body: str, text: str) -> None:
    source = f"""
tool look(x: str) -> str
fn mark(x: str) -> str = "[{{x}}]"
prompt short(x: str) -> str:
    "Shorten {{x}}"
    return gen(max_tokens=3)
prompt main(q: str, xs: list[str]):
    {body}
"""
    assert probe(source).known(ANY_ROW).text == text


def test_hints_for_the_engine_change_nothing_of_it() -> None:
    source = """
@readonly
tool look(x: str) -> str
prompt main(q: str):
    "Question, at some length: {q}\\n"
    if q == "why?": "{look(q)} after"
    a = gen(max_tokens=5)
"""
    plain, hinted = probe(source), probe(source, parse_pipeline("motion,script,kv"))
    ops = {n.op for f in hinted._code.plan.functions.values() for n in walk(f.body)}
    assert "warm" in ops
    assert hinted.known({"q": "why?"}) == plain.known({"q": "why?"})
    assert plain.known({"q": "why?"}).text == "Question, at some length: why?\n"


def test_work_is_that_of_all_calls_that_can_begin() -> None:
    source = 'prompt main(xs: list[str]):\n    "p"\n    fork x in xs as b:\n        "{x}"\n'
    known = probe(source + "        a = gen(max_tokens=5)\n").known({"xs": ["a", "bb", "c"]})
    assert known == ("pa", 2 + 3 + 2 + 3 * 5)


@pytest.mark.parametrize("arguments", [{}, {"xs": 3}, {"n": 1}])
def test_of_a_run_that_cannot_begin_nothing_is_known(arguments: dict[str, Any]) -> None:
    assert probe('prompt main(xs: list[str]):\n    "p{gen(max_tokens=2)}"\n').known(arguments) == (
        Known()
    )


def test_an_endless_program_is_given_up() -> None:
    source = """
prompt main(n: int) -> str:
    "start "
    for i in 1..n:
        "{i}"
    return gen(max_tokens=5)
"""
    made = probe(source)
    assert made.known({"n": 3}).text == "start 123"
    assert made.known({"n": 100_000}).text == "start "


@settings(max_examples=20)
@given(st.integers(1, 7), st.integers(0, 20))
def test_rows_are_read_ahead_up_to_a_bound(bound: int, count: int) -> None:
    program = compile_source(
        SourceFile("t.sgl", 'prompt main(q: str):\n    "{q}{gen(max_tokens=2)}"\n'),
        DiagnosticSink(),
    )
    assert program is not None
    rows = [(i, {"q": str(9 - i % 10)}) for i in range(count)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ordering, "MAX_ROWS", bound)
        found = [(row.number, row.arguments) for row in ordered(program.plan, rows, ENCODER)]
    for begin in range(0, count, bound):
        part = rows[begin : begin + bound]
        assert sorted(found[begin : begin + bound], key=lambda row: row[0]) == part


def test_a_row_tells_how_much_of_it_is_new() -> None:
    program = compile_source(
        SourceFile("t.sgl", 'prompt main(q: str):\n    "The {q}{gen(max_tokens=2)}"\n'),
        DiagnosticSink(),
    )
    assert program is not None
    texts = ["cat sat", "cow", "cat", "dog", "cow"]
    rows = list(ordered(program.plan, [(i, {"q": t}) for i, t in enumerate(texts)], ENCODER))
    new = {row.number: row.num_tokens for row in rows}
    assert sum(new.values()) == len("The cat sat") + len("ow") + len("dog")
    assert [row.number for row in rows] == [2, 0, 1, 4, 3]
