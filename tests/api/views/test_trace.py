"""Runs without a model: what a function begins with, and its graph."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from generators.backends import hash_backend

import sglc
from sglc.backends.backend import Backend


@pytest.fixture
def own() -> Iterator[Backend]:
    with hash_backend() as backend:
        yield backend


@sglc.function
def few_shot(s: Any, question: str, count: int = 2) -> None:
    s += sglc.system("You answer questions.")
    for number in range(count):
        s += f"Example {number}. "
    s += f"Question: {question}?\nAnswer:" + sglc.gen("answer", max_tokens=5, stop="\n")
    forks = s.fork(2)
    forks += sglc.gen("check", max_tokens=2)
    s += "So: " + forks[0]["check"] + s["answer"] + sglc.select("sure", ["yes", "no"])


def test_a_trace_says_what_every_run_begins_with() -> None:
    found = few_shot.trace()
    assert found.prefix == "You answer questions.Example 0. Example 1. Question: "
    assert found.end == ""
    known = few_shot.trace(question="Why", count=0)
    assert known.prefix == "You answer questions.Question: Why?\nAnswer:"
    assert [op for op, _ in known.prefix_ops][:3] == ["role.begin", "put", "role.end"]
    assert few_shot.bind(question="Why").trace().prefix.endswith("Why?\nAnswer:")
    with pytest.raises(TypeError, match="did you mean `question`"):
        few_shot.trace(qestion="x")


def test_a_trace_is_a_graph_that_verifies_and_draws_itself() -> None:
    from sglc.compiler.ir.reader import parse_module
    from sglc.compiler.ir.verify import violations

    found = few_shot.trace()
    module = found.module()
    assert list(violations(module)) == []
    text = str(found)
    assert "put %v" in text
    assert "prompt @few_shot(%question: any)" in text
    assert parse_module(text).functions.keys() == {"few_shot"}
    assert "</html>" in found.page()
    assert found._repr_html_().startswith("<iframe")


@pytest.mark.parametrize(
    ("ask", "reason"),
    [
        (lambda s, q: q == "a", "depends on `q`"),
        (lambda s, q: len(q), "depends on `q`"),
        (lambda s, q: list(q), "depends on `q`"),
        (lambda s, q: int(q), "depends on `q`"),
        (lambda s, q: [*range(q)], "depends on `q`"),
        (lambda s, q: q + 1, "depends on `q`"),
        (lambda s, q: 2 * q, "depends on `q`"),
        (lambda s, q: q.author, "depends on `q`"),
        (lambda s, q: bool(s["a"]), "depends on `a`"),
        (lambda s, q: s.text(), "the text so far"),
        (lambda s, q: {}[0], "KeyError: 0"),
    ],
)
def test_a_trace_ends_where_the_program_asks(ask: Any, reason: str) -> None:
    @sglc.function
    def asking(s: Any, q: str) -> None:
        s += "begin " + sglc.gen("a")
        ask(s, q)
        s += "never"

    found = asking.trace()
    assert reason in found.end
    assert found.prefix == "begin "
    assert "never" not in str(found)
    assert reason in str(found)


def test_what_is_unknown_stands_in_texts_however_it_is_to_be_written() -> None:
    @sglc.function
    def program(s: Any, price: float) -> None:
        s += f"begin {price:.2f}" + "; " + price + "; "  # type: ignore[operator]
        s += "end"

    found = program.trace()
    assert found.end == ""
    assert found.prefix == "begin "
    assert "end" in str(found)


def test_async_functions_are_traced_as_far_as_they_await() -> None:
    @sglc.function
    async def asking(s: Any) -> None:
        s += "begin"
        await other()

    async def other() -> None:
        import asyncio

        await asyncio.sleep(0)

    assert asking.trace().end == "it awaits something"
    assert asking.trace().prefix == "begin"


def test_cache_has_the_beginning_computed(own: Backend) -> None:
    text = few_shot.cache(own)
    assert text == few_shot.trace().prefix
    before = own.host.executor._backend.stats()["prefilled_tokens"]
    state = few_shot.run("Why", backend=own)
    assert state.error() is None
    cached = own.host.executor._backend.stats()["cached_tokens"]
    assert cached >= len(text)
    assert own.host.executor._backend.stats()["prefilled_tokens"] - before < len(state.text())

    @sglc.function
    def nothing(s: Any, q: str) -> None:
        s += q

    assert nothing.cache(own) == ""
    own.shutdown()
    with pytest.raises(RuntimeError, match="shut down"):
        few_shot.cache(own)
