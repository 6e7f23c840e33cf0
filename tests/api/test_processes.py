"""What goes from one process to another: functions and errors do, backends and states do not."""

from __future__ import annotations

import copy
import os
import pickle
import signal
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pydantic
import pytest

import sglc
from sglc.backends.backend import Backend
from sglc.constraints.patterns import RegexError
from sglc.constraints.python import PythonTypeError
from sglc.constraints.schema.errors import SchemaError


@sglc.function
def ask(s: Any, question: str) -> None:
    s += question + sglc.gen("answer", max_tokens=2)


bound = ask.bind(question="Why?")


class Card(pydantic.BaseModel):
    age: int


def load_wrong(path: Any) -> None:
    path.write_text("prompt p():\n    {x = gen(lin)}\n")
    sglc.load(path)


WAYS: list[tuple[type[BaseException], Callable[[Backend, Any], object]]] = [
    (sglc.NoBackendError, lambda backend, tmp: ask.run(question="x")),
    (sglc.RunFailed, lambda backend, tmp: ask.run("x" * 10**5, backend=backend)["answer"]),
    (sglc.ProgramError, lambda backend, tmp: load_wrong(tmp / "p.sgl")),
    (RegexError, lambda backend, tmp: sglc.gen("x", regex="[a")),
    (SchemaError, lambda backend, tmp: sglc.gen("x", json_schema={"type": "objekt"})),
    (PythonTypeError, lambda backend, tmp: sglc.gen("x", type="Order")),
    (sglc.ConversionError, lambda backend, tmp: sglc.types.as_python(Card, {"age": "x"})),
]


@pytest.mark.parametrize(("kind", "way"), WAYS, ids=[kind.__name__ for kind, _ in WAYS])
def test_an_error_can_be_pickled_as_a_pool_of_processes_does(
    kind: type[BaseException], way: Callable[[Backend, Any], object], hashed: Backend, tmp_path: Any
) -> None:
    with pytest.raises(kind) as caught:
        way(hashed, tmp_path)
    again = pickle.loads(pickle.dumps(caught.value))
    assert type(again) is kind
    assert str(again) == str(caught.value)
    assert vars(again).keys() == vars(caught.value).keys()


def test_an_interrupted_batch_is_pickled_without_its_states(hashed: Backend) -> None:
    states = ask.run_batch([("x",)], backend=hashed)
    again = pickle.loads(pickle.dumps(sglc.BatchInterrupted(states, 1, "a.py:3")))
    assert (again.states, again.num_done, again.place) == ((), 1, "a.py:3")
    assert str(again) == "the batch was interrupted at a.py:3: 1 of 1 rows done"


def test_a_function_is_pickled_by_its_name_and_a_copy_is_itself(hashed: Backend) -> None:
    assert pickle.loads(pickle.dumps(ask)) is ask
    assert copy.deepcopy(ask) is ask
    again = pickle.loads(pickle.dumps(bound))
    assert again.func is ask.func
    assert (
        again.run(backend=hashed, seed=1)["answer"]
        == (ask.run("Why?", backend=hashed, seed=1)["answer"])
    )

    @sglc.function
    def inner(s: Any) -> None:
        s += "x"

    with pytest.raises((pickle.PicklingError, AttributeError), match="inner"):
        pickle.dumps(inner)


@pytest.mark.parametrize("refused", [copy.copy, copy.deepcopy, pickle.dumps])
def test_a_backend_stays_where_it_was_opened(
    refused: Callable[[Any], Any], hashed: Backend
) -> None:
    with pytest.raises(TypeError, match=r"cannot be copied or pickled: .* sglc.RuntimeEndpoint"):
        refused(hashed)


@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_a_forked_process_is_told_that_the_engine_is_not_its_own(hashed: Backend) -> None:
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            ask.run("x", backend=hashed)
        except BaseException as error:
            os.write(write, str(error).encode())
        os._exit(0)
    os.close(write)
    with os.fdopen(read) as said:
        told = said.read()
    os.waitpid(child, 0)
    assert f"the engine is of process {os.getpid()}, from which this one was forked" in told
    assert ask.run("x", backend=hashed).error() is None


@pytest.fixture
def slow_cancel(hashed: Backend, monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """The engine waits for the event before it cancels."""
    may = threading.Event()
    cancel = hashed.host.executor.cancel

    def late(run: Any) -> Any:
        may.wait(5)
        return cancel(run)

    monkeypatch.setattr(hashed.host.executor, "cancel", late)
    yield may
    may.set()


def test_ctrl_c_twice_keeps_what_was_done(hashed: Backend, slow_cancel: threading.Event) -> None:
    @sglc.function
    def row(s: Any, number: int) -> None:
        s += "x" + sglc.gen("a", max_tokens=2 if number == 0 else 4000, ignore_eos=True)
        if number == 0:
            s["a"]
            beside.start()

    def press_twice() -> None:
        os.kill(os.getpid(), signal.SIGINT)
        threading.Event().wait(0.2)
        os.kill(os.getpid(), signal.SIGINT)

    beside = threading.Timer(0.1, press_twice)
    with pytest.raises(sglc.BatchInterrupted) as caught:
        row.run_batch([{"number": i} for i in range(8)], backend=hashed)
    beside.join()
    slow_cancel.set()
    first, *others = caught.value.states
    assert len(first["a"]) > 0
    for state in others:
        with pytest.raises(sglc.RunFailed, match=r"cancelled|interrupted"):
            state["a"]
