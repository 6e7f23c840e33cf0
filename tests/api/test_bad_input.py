"""What goes wrong: a clear error with the line of the program, what there was is kept, no hang."""

from __future__ import annotations

import copy
import functools
import os
import pickle
import signal
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from generators.failing import fails, line_of
from generators.stopping import wait_until

import sglc
from sglc.backends.backend import Backend
from sglc.compat import sgl

pytestmark = [pytest.mark.timeout(60), pytest.mark.usefixtures("no_thread_is_left")]


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"max_tokns": 3}, "gen has no option `max_tokns`: did you mean `max_tokens`?"),
        ({"choices": ["a"], "cache": True}, "gen has no option `cache`: it takes name, "),
        ({"max_tokens": 0}, "max_tokens must be at least 1, not 0"),
        ({"max_tokens": 2.5}, "max_tokens must be a whole number"),
        ({"temperature": -1}, "temperature must be at least 0"),
        ({"top_p": 1.5}, r"top_p must be in \(0, 1\]"),
        ({"stop": 5}, "stop must be a text or a list of texts"),
        ({"stop": ["a", ""]}, "stop must not hold an empty text"),
        ({"regex": "("}, "pattern"),
        ({"regex": "a", "dtype": int}, "regex and dtype cannot both"),
        ({"choices": []}, "a choice at least"),
        ({"choices": "ab"}, "choices must be a list of texts"),
        ({"choices": ["a", 1]}, "a choice must be text, not int 1"),
        ({"choices": ["a"], "regex": "a"}, "choices and regex cannot both"),
        ({"choices": ["a"], "temperature": 0.5}, "scored, not sampled"),
        ({"choices_method": "best", "choices": ["a"]}, "choices_method must be one of"),
        ({"json_schema": "{"}, "JSON"),
        ({"dtype": "integer"}, "dtype must be int, float, str or bool"),
        ({"choices": ["a"], "max_tokens": 3}, "max_tokens says nothing beside choices"),
        ({"choices": ["a"], "stop": "x"}, "stop says nothing beside choices"),
    ],
)
def test_an_option_that_cannot_be_is_refused_where_it_is_given(
    wrong: dict[str, Any], message: str, hashed: Backend
) -> None:
    @sglc.function
    def program(s: Any) -> None:
        s += "x" + sglc.gen("fine", max_tokens=1)
        s += sglc.gen("wrong", **wrong)

    with pytest.raises((TypeError, ValueError), match=message) as caught:
        program.run(backend=hashed)
    place = [e for e in caught.traceback if str(e.path) == __file__][-1]
    assert "sglc.gen" in str(place.statement)


def test_a_value_is_read_before_it_is_written(hashed: Backend) -> None:
    @sglc.function
    def program(s: Any) -> None:
        s += "x" + sglc.gen("fist", max_tokens=1)
        s += s["first"]

    with pytest.raises(KeyError, match="no variable 'first' here; there are: 'fist'"):
        program.run(backend=hashed)


def test_a_value_may_be_read_inside_of_the_role_that_writes_it(hashed: Backend) -> None:
    @sglc.function
    def program(s: Any) -> None:
        with s.assistant():
            s += sglc.gen("a", max_tokens=3) + "|"
            s += s["a"]

    state = program.run(backend=hashed)
    assert state.messages()[0]["content"] == f"{state['a']}|{state['a']}"


def test_a_message_inside_of_another_names_where_that_began(hashed: Backend) -> None:
    @sglc.function
    def program(s: Any) -> None:
        s += sglc.user_begin() + "question"
        s += sglc.assistant("answer")

    where = line_of(program, "user_begin")
    with pytest.raises(sglc.StateError, match=rf"{where}:9: end that before, with user_end\(\)"):
        program.run(backend=hashed)

    @sglc.function
    def in_blocks(s: Any) -> None:
        with s.user(), s.assistant():
            s += "answer"

    where = line_of(in_blocks, "with")
    with pytest.raises(sglc.StateError, match=rf"an assistant message .* since .*{where}:9:"):
        in_blocks.run(backend=hashed)

    @sglc.function
    def never_begun(s: Any) -> None:
        s += "x" + sglc.user_end()

    with pytest.raises(sglc.StateError, match=r"none is open: begin it before, with user_begin"):
        never_begun.run(backend=hashed)


def test_a_message_left_open_is_the_last_one(hashed: Backend) -> None:
    @sglc.function
    def program(s: Any) -> None:
        s += sglc.user("question") + sglc.assistant_begin() + sglc.gen("a", max_tokens=3)

    state = program.run(backend=hashed)
    assert state.messages()[-1] == {"role": "assistant", "content": state["a"]}


@pytest.mark.parametrize("size", [0, -1, 1.5, True, "2", None])
def test_a_fork_has_one_child_at_least(size: Any, hashed: Backend) -> None:
    @sglc.function
    def program(s: Any) -> None:
        s.fork(size)

    with pytest.raises(ValueError, match="fork needs a number of at least 1"):
        program.run(backend=hashed)


def test_forks_are_joined_once_and_stay_what_they_are(hashed: Backend) -> None:
    @sglc.function
    def program(s: Any) -> None:
        forks = s.fork(2)
        with pytest.raises(ValueError, match="mode must be one of gather_variable"):
            forks.join("gather")
        with pytest.raises(ValueError, match="3 expressions for 2 forks"):
            forks += ["a", "b", "c"]
        with pytest.raises(TypeError, match="forks cannot be appended with 5"):
            forks += 5
        with pytest.raises(sglc.StateError, match="replaced by another"):
            forks[0] = forks[1]
        forks.join()
        with pytest.raises(sglc.StateError, match="joined before"):
            forks.join()

    program.run(backend=hashed)


def test_a_state_is_of_one_thread(hashed: Backend) -> None:
    @sglc.function
    def program(s: Any) -> None:
        def work() -> None:
            try:
                s.__iadd__("from beside")
            except sglc.StateError as error:
                errors.append(str(error))

        s += "x"
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
        s += "y"

    errors: list[str] = []
    assert program.run(backend=hashed).text() == "xy"
    assert errors == ["a state is appended from two threads: give each thread a fork of its own"]


def test_a_run_that_has_ended_takes_nothing_more_and_keeps_what_it_has(hashed: Backend) -> None:
    @sglc.function
    def program(s: Any) -> None:
        s += "x" + sglc.gen("a", max_tokens=2)
        kept.extend(s.fork(1))

    kept: list[Any] = []
    state = program.run(backend=hashed)
    text = state.text()
    for each in (state, *kept):
        with pytest.raises(sglc.StateError, match="the run of this state has ended"):
            each += "more"
        with pytest.raises(sglc.StateError, match="the run of this state has ended"):
            each.fork(2)
        assert each.text() == text
        assert each.error() is None


def test_a_state_of_another_backend_goes_on_there(hashed: Backend) -> None:
    @sglc.function
    def outer(s: Any, other: Any) -> None:
        s += "outer" + sglc.gen("a", max_tokens=2)
        other += "inner" + sglc.gen("b", max_tokens=2)
        s += other["b"]
        s += other

    @sglc.function
    def inner(s: Any) -> None:
        outer.run(s, backend=hashed)

    with (
        sglc.mock(b="mocked") as backend,
        pytest.raises(TypeError, match="cannot be appended with ProgramState"),
    ):
        inner.run(backend=backend)


def test_a_state_is_no_value_of_other_kinds(hashed: Backend) -> None:
    @sglc.function
    def program(s: Any) -> None:
        s += "x"

    state = program.run(backend=hashed).sync()
    for refused in (copy.copy, copy.deepcopy, pickle.dumps):
        with pytest.raises(TypeError, match=r"cannot be copied or pickled: s.fork\(\)"):
            refused(state)
    with pytest.raises(TypeError, match="append with `s \\+= …`"):
        state + "y"
    with pytest.raises(TypeError, match="not iterable"):
        list(state)
    assert repr(state) == "<ProgramState done, variables: none>"


def test_ctrl_c_while_a_value_is_waited_for_stops_the_run(hashed: Backend) -> None:
    @sglc.function
    def program(s: Any) -> None:
        states.append(s)
        s += "x" + sglc.gen("a", max_tokens=2)
        s["a"]
        s += sglc.gen("b", max_tokens=4000, ignore_eos=True)
        beside.start()
        s["b"]

    states: list[sglc.ProgramState] = []
    beside = threading.Timer(0.05, os.kill, (os.getpid(), signal.SIGINT))
    with pytest.raises(KeyboardInterrupt):
        program.run(backend=hashed)
    beside.join()
    assert states[0].text(partial=True) == "x" + states[0]["a"]
    fails(lambda: states[0]["b"], "cancelled")
    wait_until(lambda: not hashed.host.executor._runs)


def test_an_exception_leaves_nothing_running_and_the_state_readable(hashed: Backend) -> None:
    @sglc.function
    def program(s: Any) -> None:
        states.append(s)
        s += "x" + sglc.gen("a", max_tokens=2)
        s["a"]
        s += sglc.gen("b", max_tokens=4000, ignore_eos=True)
        forks = s.fork(2)
        forks += sglc.gen("c", max_tokens=4000, ignore_eos=True)
        raise LookupError("no way")

    states: list[sglc.ProgramState] = []
    with pytest.raises(LookupError, match="no way"):
        program.run(backend=hashed)
    (state,) = states
    assert state.text(partial=True) == "x" + state["a"]
    assert isinstance(state.error(), LookupError)
    fails(lambda: state["b"], "cancelled")
    wait_until(lambda: not hashed.host.executor._runs)


def test_no_backend_says_how_to_get_one() -> None:
    @sglc.function
    def program(s: Any) -> None:
        s += "x"

    with pytest.raises(sglc.NoBackendError, match=r"call sglc.set_default_backend"):
        program.run()
    with pytest.raises(TypeError, match="not a backend"):
        sglc.set_default_backend("http://localhost")  # type: ignore[arg-type]


def test_a_prompt_that_does_not_fit_names_the_limit(hashed: Backend) -> None:
    @sglc.function
    def program(s: Any) -> None:
        s += "x" * 1_000_000
        s += sglc.gen("a", max_tokens=1)

    state = program.run(backend=hashed)
    fails(lambda: state["a"], line_of(program, "gen"), "1000000 tokens", "4096")
    assert len(state.text(partial=True)) == 1_000_000


def test_recursion_without_an_end(hashed: Backend) -> None:
    @sglc.function
    def program(s: Any) -> None:
        s += "x"
        program(s)

    with pytest.raises(RecursionError):
        program.run(backend=hashed)
    wait_until(lambda: not hashed.host.executor._runs)


def test_a_function_needs_the_state_first() -> None:
    with pytest.raises(
        TypeError, match=r"first parameter of .*wrong must be named `s`, but is `x`"
    ):

        @sglc.function
        def wrong(x: Any) -> None: ...

    with pytest.raises(TypeError, match="must be named `s`, but is missing"):

        @sglc.function
        def none() -> None: ...


@pytest.mark.parametrize("call", [sglc.gen, lambda name: sglc.select(name, ["a"])])
def test_a_name_is_text(call: Callable[[Any], Any]) -> None:
    with pytest.raises(TypeError, match="a name must be text, not 3"):
        call(3)


@sglc.function
def short(s: Any, question: str) -> None:
    s += question + sglc.gen("a", max_tokens=2)


def test_the_name_of_a_model_is_no_backend() -> None:
    message = r"not a backend: 'embedded': for the model of that name, sglc.Engine\('embedded'\)"
    with pytest.raises(TypeError, match=message):
        short.run(question="q", backend="embedded")
    with pytest.raises(TypeError, match=message):
        short.run_batch([("q",)], backend="embedded")  # type: ignore[call-overload]


def test_a_gen_by_type_takes_no_other_type() -> None:
    for word in (sglc.gen_int, sgl.gen_int):
        with pytest.raises(TypeError, match="dtype is int here: leave it out"):
            word("x", dtype=str)


@pytest.mark.parametrize("seed", ["x", 1.5, True])
def test_a_seed_is_a_whole_number(seed: Any, hashed: Backend) -> None:
    with pytest.raises(TypeError, match="seed must be a whole number, not"):
        short.run(question="q", backend=hashed, seed=seed)
    with pytest.raises(TypeError, match="seed must be a whole number, not"):
        short.run_batch([("q",)], backend=hashed, seed=seed)


def test_a_batch_that_is_to_be_streamed_is_told_what_there_is(hashed: Backend) -> None:
    with pytest.raises(TypeError, match="a batch is not streamed: generator_style=True"):
        short.run_batch([("q",)], backend=hashed, stream=True)


def test_a_value_that_is_missing_since_the_program_raised_says_so(hashed: Backend) -> None:
    @sglc.function
    def raising(s: Any) -> None:
        child = s.fork(1)[0]
        child += "x" + sglc.gen("b", max_tokens=2000, ignore_eos=True)
        found.append(child)
        s += "x" + sglc.gen("a", max_tokens=2000, ignore_eos=True)
        raise OSError("the file is gone")

    found: list[Any] = []
    (state,) = raising.run_batch([()], backend=hashed)
    for read in (lambda: state["a"], state.text, lambda: found[0]["b"]):
        with pytest.raises(sglc.RunFailed, match="for the program raised OSError") as caught:
            read()
        assert str(caught.value.__cause__) == "the file is gone"
        assert "test_bad_input.py" in str(caught.value)
    assert state.text(partial=True) in ("", "x")
    assert state.messages(partial=True) == []


def test_a_generator_is_no_program() -> None:
    with pytest.raises(TypeError, match="program has a `yield`: as a generator nothing"):

        @sglc.function
        def program(s: Any) -> Iterator[int]:
            s += "x"
            yield 1


def test_what_has_no_name_is_no_program() -> None:
    with pytest.raises(TypeError, match="a prompt program is a function, `def name"):
        sglc.function(functools.partial(print, "x"))


@pytest.mark.parametrize("word", [sglc.gen("x"), sglc.select("x", ["a"]), sglc.user_begin()])
def test_a_model_call_in_an_f_string_is_refused_where_it_stands(word: Any, hashed: Backend) -> None:
    @sglc.function
    def program(s: Any) -> None:
        s += f"The answer is {word}."

    with pytest.raises(TypeError, match="cannot be in an f-string, which is text already"):
        program.run(backend=hashed)
    assert repr(word)


@pytest.mark.parametrize("answer", [3, ["a", 3], None])
def test_answers_of_a_mock_are_texts(answer: Any) -> None:
    with pytest.raises(TypeError, match="`x` of a mock must be a text or a list of texts"):
        sglc.mock(x=answer)
