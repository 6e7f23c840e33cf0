"""What a graph knows of names and arguments holds when it runs, or another graph runs."""

from __future__ import annotations

import re
import types
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from generators.backends import hash_backend
from generators.python_modules import module_of

import sglc
from sglc.backends.backend import Backend
from sglc.compiler.python.guard import can_be_kept, is_same, kept

HEAD = "import sglc\nfrom sglc import gen, select\n"


@pytest.fixture(scope="module")
def backend() -> Iterator[Backend]:
    with hash_backend() as made:
        yield made


def texts(
    text: str,
    level: str,
    backend: Backend,
    runs: list[Callable[[types.ModuleType], tuple[Any, ...]]],
) -> list[str]:
    """What the runs of ``main`` give, each with the arguments that it makes of the module."""
    module = module_of(HEAD + text)
    return [module.main.run(*run(module), backend=backend, level=level).text() for run in runs]


def none(module: types.ModuleType) -> tuple[Any, ...]:
    return ()


def put(name: str, value: Any) -> Callable[[types.ModuleType], tuple[Any, ...]]:
    """Run without arguments, after the module has another value under a name."""

    def arguments(module: types.ModuleType) -> tuple[Any, ...]:
        setattr(module, name, value)
        return ()

    return arguments


COUNTED = """
COUNT = "c"
def bump():
    global COUNT
    COUNT += "+"
@sglc.function
def main(s):
    s += COUNT
    bump()
    s += COUNT + gen("x", max_tokens=1)
    bump()
    s += f"{COUNT}"
"""
DECLARED = """
COUNT = "c"
@sglc.function
def main(s):
    global COUNT
    COUNT = COUNT + s.text() + "+"
    s += COUNT
"""
CLOSED = """
def make():
    text = "c"
    def bump():
        nonlocal text
        text += "+"
    @sglc.function
    def main(s):
        bump()
        s += text
        bump()
        s += text
    return main
main = make()
"""
OF_A_MODULE = """
import types
cfg = types.ModuleType("cfg")
cfg.mode = "a"
@sglc.function
def main(s):
    s += str(cfg.mode)
    cfg.mode += "b"
    s += str(cfg.mode)
"""
CHOICES = """
WORDS = ["a", "b"]
def grow():
    WORDS[:] = ["z" + WORDS[0]]
@sglc.function
def main(s):
    grow()
    s += select("x", WORDS)
"""
BUILT_IN = """
@sglc.function
def main(s):
    s += "a" + str(len("abc"))
"""
HELD = """
WORDS = (["a", "b"],)
@sglc.function
def main(s):
    s += select("x", WORDS[0])
"""
QUEUED = """
from collections import deque
WORDS = deque(["a", "b"])
@sglc.function
def main(s):
    s += select("x", WORDS)
"""


@pytest.mark.parametrize(
    ("text", "runs"),
    [
        (COUNTED, [none, none]),
        (DECLARED, [none, none]),
        (CLOSED, [none, none]),
        (OF_A_MODULE, [none, none]),
        (CHOICES, [none, none]),
        (BUILT_IN, [none, put("len", lambda text: 9)]),
        (HELD, [none, lambda m: m.WORDS[0].__setitem__(0, "y") or ()]),
        (QUEUED, [none, lambda m: m.WORDS.extend("c") or m.WORDS.rotate(1) or ()]),
    ],
)
def test_names_mean_what_they_mean_now(text: str, runs: list[Any], backend: Backend) -> None:
    assert texts(text, "auto", backend, runs) == texts(text, "staged", backend, runs)


GIVEN = """
@sglc.function
def main(s, words):
    s += select("x", words)
"""


def test_an_argument_that_has_changed_makes_another_graph(backend: Backend) -> None:
    words = ["a"]
    main = module_of(HEAD + GIVEN).main
    assert main.run(words, backend=backend, level="lowered").text() == "a"
    words[0] = "b"
    assert main.run(words, backend=backend, level="lowered").text() == "b"


def test_an_object_that_may_change_is_no_part_of_a_graph(backend: Backend) -> None:
    text = "@sglc.function\ndef main(s, words):\n    s += 'a' + gen('x', max_tokens=words.n)\n"
    text = text.replace("words.n", "words['n']")
    main = module_of(HEAD + text).main

    class Own(dict[str, int]):
        pass

    with pytest.raises(sglc.NotLowered, match="`words` may change, and the graph needs its value"):
        main.run(Own(n=2), backend=backend, level="lowered")


@pytest.mark.parametrize("name", ["words", "WORDS"])
def test_what_changes_unseen_in_a_run_is_an_error_with_its_line(
    name: str, backend: Backend
) -> None:
    text = f"""
WORDS = ["a", "b"]
@sglc.function
def main(s, words, other):
    s += "q"
    other.sort(reverse=True)
    s += select("x", {name})
    other.append("c")  # it is used no more
"""
    module = module_of(HEAD + text)
    given = module.WORDS
    with pytest.raises(sglc.StateError, match=rf":8: `{name}` is part of the graph of `main`, and"):
        module.main.run(given, given, backend=backend, level="lowered")
    state = module.main.run(["a", "b"], ["a", "b"], backend=backend, level="lowered")
    assert re.fullmatch("q[abc]", state.text())


def test_a_text_of_a_class_of_its_own_is_refused(backend: Backend) -> None:
    text = """
class Loud(str):
    pass
class Thing:
    def __str__(self):
        return Loud("x")
@sglc.function
def main(s, thing):
    s += "a" + str(thing)
"""
    module = module_of(HEAD + text)
    with pytest.raises(TypeError, match="11: a text of the class Loud cannot be in a graph"):
        module.main.run(module.Thing(), backend=backend, level="lowered")


@dataclass(frozen=True)
class Fixed:
    x: int


@dataclass
class Loose:
    x: int


@pytest.mark.parametrize(
    "value", [1, "a", [1, "a"], {"a": (1, deque([2]))}, int, [int, list[int]], Fixed(1), {1, 2}]
)
def test_what_is_kept_is_told_apart(value: Any) -> None:
    assert can_be_kept(value)
    assert is_same(value, kept(value))
    assert not is_same(value, kept([value]))


def test_what_is_alike_is_not_the_same() -> None:
    assert not is_same([1], [True])
    assert not is_same({"a": 1}, {"a": 1.0})
    assert not is_same({1: 1, 2: 2}, {2: 2, 1: 1})
    known = kept([[1]])
    changed = kept(known)
    changed[0].append(2)
    assert not is_same(changed, known)
    loop: list[Any] = []
    loop.append(loop)
    for value in (Loose(1), loop, [Loose(1)], [0] * 5000, object()):
        assert not can_be_kept(value)
