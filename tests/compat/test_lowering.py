"""Functions in SGLang's words are the same graphs as those in ours."""

from __future__ import annotations

import types
from collections.abc import Iterator
from typing import Any

import pytest
from generators.backends import hash_backend

from sglc.backends.backend import Backend
from sglc.compat import sgl
from sglc.errors import NotLowered

CALLS = {
    "gen": "gen('a', max_tokens=3)",
    "positions": "gen('a', 3, None, 'x')",
    "choices": "gen('a', choices=['x', 'yy'])",
    "select": "select('a', ['x', 'yy'])",
    "int": "gen_int('a', 3)",
    "message": "user('hi') + sgl.assistant(sgl.gen('a', max_tokens=3))",
    "empty": "user() + 'behind'",
    "none": "system(None) + sgl.gen('a', max_tokens=3)",
    "begin": "user_begin() + 'x' + sgl.user_end()",
}


@pytest.fixture(scope="module")
def canonical() -> Iterator[Backend]:
    with hash_backend(seam="canonical") as backend:
        yield backend


def program(call: str, tmp_path: Any) -> Any:
    source = f"def program(s, x):\n    s += 'begin ' + x\n    s += sgl.{call}\n"
    path = tmp_path / "program.py"
    path.write_text(source)
    names: dict[str, Any] = {"sgl": sgl, "__name__": "program", "__file__": str(path)}
    exec(compile(source, str(path), "exec"), names)
    assert isinstance(names["program"], types.FunctionType)
    return sgl.function(names["program"])


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS.keys())
def test_a_word_is_the_same_in_the_graph(call: str, canonical: Backend, tmp_path: Any) -> None:
    function = program(call, tmp_path)
    for seed in range(3):
        options: dict[str, Any] = {"backend": canonical, "seed": seed}
        staged = function.run("x", level="staged", **options)
        lowered = function.run("x", level="lowered", **options)
        assert lowered.text() == staged.text()
        assert lowered.messages() == staged.messages()
        assert dict.fromkeys(lowered.variables) == dict.fromkeys(staged.variables)


def test_functions_that_are_called_are_parts_of_the_graph(canonical: Backend) -> None:
    options: dict[str, Any] = {"backend": canonical, "seed": 3}
    lowered = outer.run("x", level="lowered", **options)
    assert lowered.text() == outer.run("x", level="staged", **options).text()


def test_what_has_no_op_says_so_by_its_name(canonical: Backend) -> None:
    with pytest.raises(NotLowered, match="peek has no place in the graph"):
        asking.run(level="lowered", backend=canonical)


@sgl.function
def inner(s: Any, x: str) -> None:
    s += sgl.user(x) + sgl.assistant(sgl.gen("a", max_tokens=3))


@sgl.function
def outer(s: Any, x: str) -> None:
    s += sgl.system("kind")
    inner(s, x)
    inner(s, "again")


@sgl.function
def asking(s: Any) -> None:
    s += "x" + sgl.gen("a", max_tokens=0)
