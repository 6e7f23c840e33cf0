"""A function is lowered from its own source, or not at all."""

from __future__ import annotations

import ast
import functools
import importlib
import linecache
import sys
from pathlib import Path
from typing import Any

import pytest

import sglc
from sglc.compiler.python.reasons import Unsupported
from sglc.compiler.python.source import read_function
from sglc.views.explaining import lines_of


def twice(func: Any) -> Any:
    @functools.wraps(func)
    def said(s: Any, text: str) -> None:
        func(s, text)
        func(s, text)

    return said


@sglc.function
@twice
def said(s: Any, text: str) -> None:
    s += text


def test_what_wraps_a_function_is_what_runs() -> None:
    with sglc.mock() as backend:
        assert said.run("ab", backend=backend, level="auto").text() == "abab"


def test_a_file_that_has_changed_since_is_not_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "edited_later.py"
    text = (
        "import sglc\n\n@sglc.function\ndef main(s, text):\n    s += sglc.gen('a') + text.upper()\n"
    )
    path.write_text(text)
    monkeypatch.syspath_prepend(tmp_path)
    main = importlib.import_module("edited_later").main
    read_function(main.func)
    path.write_text(text.replace("upper", "title"))
    with pytest.raises(Unsupported, match="has changed since it was imported"):
        read_function(main.func)
    path.write_text("def (\n")
    with pytest.raises(Unsupported, match="the source of `main` is not there"):
        read_function(main.func)
    del sys.modules["edited_later"]


def test_a_function_of_a_notebook_has_its_source() -> None:
    """A notebook compiles statement by statement, and a cell may wait for what it has begun."""
    cell = "import sglc\n@sglc.function\ndef main(s):\n    s += sglc.gen('a')\nawait other\n"
    names: dict[str, Any] = {}
    linecache.cache["<cell>"] = (len(cell), None, cell.splitlines(keepends=True), "<cell>")
    for node in ast.parse(cell).body[:2]:
        exec(compile(ast.Module([node], []), "<cell>", "exec"), names)
    main = names["main"].func
    assert read_function(main).func is main
    other = cell.replace("'a'", "'b'").splitlines(keepends=True)
    linecache.cache["<cell>"] = (len(cell), None, other, "<cell>")
    with pytest.raises(Unsupported, match="has changed since"):
        read_function(main)
    del linecache.cache["<cell>"]


class Agent:
    def __init__(self) -> None:
        self.__name = "x"

    @staticmethod
    @sglc.function
    def ask(s: Any, agent: Agent) -> None:
        s += "a" + str(agent.__name)

    @staticmethod
    @sglc.function
    def show(s: Any, agent: Agent) -> None:
        class Inner:
            pass

        s += str(Inner) + str(len(vars_of(agent)))


def vars_of(value: object) -> dict[str, Any]:
    return value.__dict__


def test_a_function_in_a_class_is_what_it_is_there() -> None:
    with sglc.mock() as backend:
        assert Agent.ask.run(Agent(), backend=backend, level="auto").text() == "ax"
        with pytest.raises(sglc.NotLowered, match="`__name` is a private name of the class around"):
            Agent.ask.run(Agent(), backend=backend, level="lowered")
        shown = Agent.show.run(Agent(), backend=backend, level="lowered").text()
        assert shown == f"<class '{__name__}.Agent.show.<locals>.Inner'>1"


def test_a_global_function_with_free_names_keeps_its_name() -> None:
    text = "w"

    def make() -> None:
        global outer_named

        @sglc.function
        def outer_named(s: Any) -> None:
            def inner() -> str:
                return text

            s += str(inner.__qualname__ + inner())

    make()
    with sglc.mock() as backend:
        found = outer_named.run(backend=backend, level="lowered").text()
    assert found == "outer_named.<locals>.innerw"


def test_a_function_without_source_is_explained() -> None:
    space: dict[str, Any] = {"sglc": sglc}
    exec("@sglc.function\ndef main(s):\n    s += 'a'\n", space)
    first, *_, last = lines_of(space["main"], {})
    assert "runs step by step: the source of `main` is not there" in first
    assert "results are the same" in last
