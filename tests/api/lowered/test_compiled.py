"""``f.compile()``: a function as one graph."""

from __future__ import annotations

from typing import Any

import pytest

import sglc
from sglc.backends.backend import Backend


@sglc.function
def answer(s: Any, question: str) -> None:
    s += question + sglc.gen("a", max_tokens=3)
    if s["a"] == "x":
        s += "never" + sglc.gen("b", max_tokens=3)


def test_it_runs_as_the_function_does(hashed: Backend, capsys: pytest.CaptureFixture[str]) -> None:
    compiled = answer.compile(backend=hashed)
    assert compiled.run("why", seed=3).text() == answer.run("why", seed=3, backend=hashed).text()
    rows = [("one",), ("two",)]
    texts = [state.text() for state in compiled.run_batch(rows, seed=3)]
    assert texts == [s.text() for s in answer.run_batch(rows, seed=3, backend=hashed)]
    compiled.print_graph()
    assert "%question: str" in capsys.readouterr().out
    assert "<iframe" in compiled._repr_html_()


def test_a_run_may_name_another_backend(hashed: Backend) -> None:
    compiled = answer.compile(backend=hashed)
    assert compiled.run("why", backend=sglc.mock(a="since"))["a"] == "since"
    with pytest.raises(TypeError, match="level cannot be given"):
        compiled.run("why", level="staged")
    with pytest.raises(TypeError, match="not a backend: 'embedded'"):
        answer.compile(backend="embedded")  # type: ignore[arg-type]  # it is none


def test_what_has_no_graph_is_refused_at_once(hashed: Backend) -> None:
    @sglc.function
    def guarded(s: Any) -> None:
        try:
            s += "x" + sglc.gen("a", max_tokens=1)
        finally:
            s += "y"

    with pytest.raises(sglc.NotLowered, match=r"guarded has no graph: .*test_compiled.py:\d+"):
        guarded.compile(backend=hashed)
