"""What Python functions become: golden graphs, and what is said of each line."""

from __future__ import annotations

import re
from collections.abc import Callable
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

import pytest

import sglc
from sglc.compiler.ir.reader import parse_module
from sglc.compiler.ir.text import print_module
from sglc.compiler.python.lower import Lowered
from sglc.compiler.python.report import diagnostics_of
from sglc.errors import NotLowered
from sglc.lowered.lowering import Ready
from sglc.lowered.words import ApiWords
from sglc.program.functions import Function
from sglc.program.gen_options import RUN_DEFAULTS
from sglc.views.explaining import arguments_for, graph_of, lines_of

FOLDER = Path(__file__).parents[2] / "golden" / "python"


def load() -> Any:
    spec = spec_from_file_location("golden_programs", FOLDER / "programs.py")
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


MODULE = load()


@pytest.mark.parametrize("function", MODULE.PROGRAMS, ids=lambda f: f.func.__name__)
def test_graph_is_the_golden_one(function: Function, golden: Callable[[Path, str], None]) -> None:
    given = {k: v for k, v in MODULE.ARGUMENTS.items() if k in function.signature.parameters}
    text = str(graph_of(function, given))
    assert print_module(parse_module(text)) == text
    lines = "\n".join(f"// {line}".rstrip() for line in lines_of(function, given))
    shown = (text + "\n" + lines + "\n").replace(f"{FOLDER}/", "")
    golden(FOLDER / f"{function.func.__name__}.sglir", shown)


def reason_of(function: Function) -> Any:
    found = function.lowerings.find(
        function, arguments_for(function, {}), RUN_DEFAULTS, "canonical"
    )
    assert not isinstance(found, Ready)
    return found.reason


registry: list[Any] = []


@sglc.function
def stored(s: Any) -> None:
    s += "x"
    registry.append(s)


@sglc.function
def tried(s: Any) -> None:
    try:
        s += sglc.gen("x")
    except ValueError:
        s += "?"


@sglc.function
def unset(s: Any, flag: bool) -> None:
    if flag:
        s += sglc.gen("x")
    s += s["x"]


@sglc.function
def late(s: Any) -> None:
    s += "x" + sglc.gen("x")
    s += sglc.gen("y", regex=s["x"])


@sglc.function
def kept(s: Any, word: str) -> None:
    say = lambda: word  # noqa: E731
    s += say()
    word = "b"
    s += word + sglc.gen("x")


def apart(value: object) -> Any:
    return value


@sglc.function
def unknown(s: Any) -> None:
    s += apart(sglc.gen("x"))


@sglc.function
def chosen(s: Any, flag: bool) -> None:
    s += "x" + (sglc.gen("x") if flag else "y")


@sglc.function
def in_a_dict(s: Any) -> None:
    forks = s.fork(2)
    forks += "a" + sglc.gen("x")
    s += str({i: f["x"] for i, f in enumerate(forks)})


@sglc.function
def named_before(s: Any, flag: str) -> None:
    s += "a"
    if str(flag) == "x":
        s += sglc.gen("x")
    with s.copy() as c:
        c += sglc.gen("x")


@pytest.mark.parametrize(
    ("function", "offset", "code", "text"),
    [
        (named_before, 5, "SGL0901", "whether 'x' is set, only the run knows"),
        (chosen, 2, "SGL0901", "only the run knows what is appended here: write an `if`"),
        (in_a_dict, 4, "SGL0901", "a state is read in a set or a dict: make a list"),
        (stored, 3, "SGL0903", "the state goes where it cannot be followed"),
        (tried, 2, "SGL0901", "`try` around a state"),
        (unset, 4, "SGL0901", "'x' may not be there when it is read"),
        (late, 3, "SGL0901", "the graph needs the value of `s`"),
        (kept, 2, "SGL0901", "an inner function keeps `word`, which changes"),
        (unknown, 2, "SGL0901", "may be no text: write str"),
    ],
)
def test_a_function_that_is_not_lowered_says_where_and_why(
    function: Function, offset: int, code: str, text: str
) -> None:
    reason = reason_of(function)
    assert re.search(text, reason.text)
    assert reason.line - function.func.__code__.co_firstlineno == offset
    words = ApiWords(RUN_DEFAULTS, "repair")
    first, *_ = diagnostics_of(function.func, reason, words)  # type: ignore[arg-type]  # plain
    assert first.code == code
    with pytest.raises(NotLowered, match=re.escape(reason.text)):
        function.graph()


def test_the_page_of_a_graph_names_its_ops() -> None:
    page = MODULE.tool_use.graph().page()
    assert "<html" in page
    assert "search engine" in page


def test_a_graph_is_made_again_when_a_global_name_means_something_else(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def texts() -> str:
        found = suffixed.lowerings.find(suffixed, {}, RUN_DEFAULTS, "canonical")
        assert isinstance(found, Ready)
        assert isinstance(found.lowered, Lowered)
        return print_module(found.lowered.module)

    assert '"one"' in texts()
    monkeypatch.setitem(globals(), "SUFFIX", "two")
    assert '"two"' in texts()


SUFFIX = "one"


@sglc.function
def suffixed(s: Any) -> None:
    s += SUFFIX
