"""Program files as modules of Python: signatures, values, diagnostics, tools, pickles."""

from __future__ import annotations

import asyncio
import copy
import dataclasses
import inspect
import pickle
import pydoc
import subprocess
import sys
import typing
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import pytest

import sglc
from sglc.backends.backend import Backend
from sglc.compiler.plan.arguments import ArgumentError
from sglc.errors import (
    BatchInterrupted,
    NoBackendError,
    ProgramError,
    ProgramWarning,
    RunFailed,
    StateError,
)
from sglc.runs.mailbox import Mailbox

PROGRAMS = Path(__file__).parent / "programs"
VERDICT = '{"summary": "good", "grade": "A", "blood status": "pure"}'


@pytest.fixture(scope="module")
def judge() -> Any:
    return sglc.load(PROGRAMS / "judge.sgl")


@pytest.fixture(scope="module")
def backend() -> Iterator[Backend]:
    with sglc.mock(verdict=VERDICT, first="one", count="3") as made:
        yield made


def test_a_prompt_is_a_function_with_a_signature(judge: Any) -> None:
    signature = inspect.signature(judge.judge)
    assert str(signature) == "(essay: str, strict: bool = True) -> judge.Verdict"
    assert signature.return_annotation is judge.Verdict
    assert judge.judge.__doc__ == "Judge an essay.\n\nBe strict by default."
    assert str(inspect.signature(judge.loose)).startswith(
        "(n: int, xs: list[float] = [1.0, 2.0]) -> judge.LooseResult"
    )
    graded = inspect.signature(judge.graded)
    assert graded.return_annotation == list[judge.Verdict]
    assert graded.parameters["grade"].annotation == judge.Grade == Literal["A", "B"]


EXAMPLES = sorted((Path(__file__).parents[3] / "examples").glob("*.sgl"))


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
@pytest.mark.filterwarnings("ignore::sglc.errors.ProgramWarning")
def test_every_example_is_a_module(path: Path) -> None:
    module = sglc.load(path)
    assert f"{path.stem}(" in pydoc.plain(pydoc.render_doc(module))
    for name in module.__all__:
        member = getattr(module, name)
        if not isinstance(member, type) and hasattr(member, "run"):
            assert str(inspect.signature(member)).startswith("(")
            member.plan()


def test_records_are_dataclasses(judge: Any) -> None:
    hints = typing.get_type_hints(judge.Verdict)
    assert hints["grade"] == Literal["A", "B"]
    verdict = judge.Verdict("s", "B")
    assert verdict.blood_status == "unknown"
    assert dataclasses.asdict(verdict) == {"summary": "s", "grade": "B", "blood_status": "unknown"}


def test_help_reads_well(judge: Any) -> None:
    text = pydoc.plain(pydoc.render_doc(judge))
    assert "judge(essay: str, strict: bool = True) -> judge.Verdict" in text
    assert "Be strict by default." in text
    assert "Be strict by default." in pydoc.plain(pydoc.render_doc(judge.judge))
    assert inspect.signature(sglc.load(PROGRAMS / "quiet.sgl").quiet).return_annotation is None
    assert {"judge", "loose", "graded", "short", "Verdict", "Grade"} <= set(dir(judge))


def test_a_call_returns_the_typed_value(judge: Any, backend: Backend) -> None:
    verdict = judge.judge("An essay.", backend=backend)
    assert verdict == judge.Verdict("good", "A", "pure")
    assert judge.graded(verdict, backend=backend) == [verdict]
    assert judge.graded({"summary": "x", "grade": "B"}, backend=backend) == [
        judge.Verdict("x", "B")
    ]


def test_a_run_has_captures_text_messages_and_usage(judge: Any, backend: Backend) -> None:
    result = judge.judge.run("An essay about cats.", strict=False, backend=backend)
    assert result.value == result["verdict"] == judge.Verdict("good", "A", "pure")
    assert [message["role"] for message in result.messages] == ["user", "assistant"]
    assert result.messages[0]["content"] == "An essay a... strict=False".replace("False", "false")
    assert result.text.endswith(VERDICT + "<|im_end|>\n")
    assert result.usage.model_calls == 1
    assert result.usage.completion_tokens > 10
    loose = judge.loose.run(2, backend=backend)
    assert loose.value == judge.LooseResult(first="one", count=3)
    with pytest.raises(KeyError, match="no capture 'missing'; there are: 'first', 'count'"):
        loose["missing"]


def test_the_default_backend_is_used(judge: Any, backend: Backend) -> None:
    sglc.set_default_backend(backend)
    try:
        assert judge.judge("x").grade == "A"
    finally:
        sglc.set_default_backend(None)
    with pytest.raises(NoBackendError):
        judge.judge("x")


@pytest.mark.parametrize(
    ("args", "kwargs", "error", "message"),
    [
        ((), {}, TypeError, "judge: missing a required argument: 'essay'"),
        (("a",), {"strikt": True}, TypeError, "no parameter `strikt`: did you mean `strict`?"),
        ((3,), {"strict": "x"}, ArgumentError, "`essay` must be str: not an integer; `strict` "),
    ],
)
def test_wrong_arguments_are_refused_before_a_run(
    judge: Any, args: Any, kwargs: Any, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message.replace("?", r"\?")):
        judge.judge(*args, **kwargs)


def test_a_fn_needs_no_backend(judge: Any) -> None:
    assert judge.short("abcdef") == "abc..."
    assert judge.short("abc", n=2) == "ab..."
    assert judge.tenth(20) == 0.1
    with pytest.raises(RunFailed):
        judge.tenth(10)


def test_a_batch_gives_results_in_the_order_of_its_rows(judge: Any, backend: Backend) -> None:
    rows: list[Any] = [{"n": 1 + i % 3} for i in range(40)] + [(2, [0.5])]
    results = judge.loose.run_batch(rows, backend=backend, window=3)
    expected = [f"{1 + i % 3} 2: one, 3" for i in range(40)] + ["2 1: one, 3"]
    assert [result.text for result in results] == expected
    with pytest.raises(ArgumentError, match="row 1: loose: `n` must be"):
        judge.loose.run_batch([{"n": 1}, {"n": 9}], backend=backend)
    with pytest.raises(ValueError, match="window must be at least 1, not 0"):
        judge.loose.run_batch([{"n": 1}], backend=backend, window=0)
    with pytest.raises(ValueError, match="window must be at least 1, not 'all'"):
        judge.loose.run_batch([{"n": 1}], backend=backend, window="all")
    with pytest.raises(TypeError, match="seed must be a whole number, not 'x'"):
        judge.loose.run(1, backend=backend, seed="x")
    assert judge.loose.run_batch([], backend=backend) == []


def test_a_row_that_fails_holds_up_no_other(judge: Any) -> None:
    with sglc.mock(first=["a", "b"]) as partial:  # `count` has no answer
        results = judge.loose.run_batch([{"n": 1}, {"n": 2}], backend=partial)
    for result in results:
        assert result.error is not None
        assert "first" in result
        with pytest.raises(RunFailed, match="count"):
            result.value  # noqa: B018


def test_a_closed_batch_stops_its_runs(judge: Any) -> None:
    with sglc.mock(first="x", count="1") as own:
        rows = judge.loose.iter_batch([{"n": 1}] * 5, backend=own, window=2)
        next(rows)
        rows.close()
        assert judge.loose.run(1, backend=own).value.count == 1


def test_an_interrupt_keeps_what_was_done(judge: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    get, left = Mailbox.get, [1, 1]

    def interrupted(box: Mailbox[Any]) -> Any:
        if not left:
            raise KeyboardInterrupt
        left.pop()
        return get(box)

    with sglc.mock(first="x", count="1") as own:
        with monkeypatch.context() as patch:
            patch.setattr(Mailbox, "get", interrupted)
            with pytest.raises(BatchInterrupted, match="2 of 10 rows done") as caught:
                judge.loose.run_batch([{"n": 1}] * 10, backend=own, window=3)
        done = [result for result in caught.value.states if result is not None]
        assert [result.value.count for result in done] == [1, 1]
        assert judge.loose.run(1, backend=own).value.count == 1
        assert own.host.executor.num_runs == 0


def test_coroutines_and_streams(judge: Any, backend: Backend) -> None:
    async def both() -> list[Any]:
        results = await asyncio.gather(*(judge.judge.arun("x", backend=backend) for _ in range(3)))
        events = [event.t async for event in judge.loose.stream(1, backend=backend)]
        return [*(result.value.grade for result in results), *events]

    assert asyncio.run(both()) == ["A", "A", "A", "delta", "value", "delta", "value", "done"]
    with judge.loose.stream(1, backend=backend) as stream:
        assert "".join(stream.text("first")) == "one"
        assert stream.result().value.count == 3


def test_a_prompt_runs_inside_a_batch_of_python(judge: Any, backend: Backend) -> None:
    @sglc.function
    def outer(s: Any, essay: str) -> None:
        s += judge.judge(essay, backend=backend).summary

    states = outer.run_batch([{"essay": "a"}, {"essay": "b"}], backend=backend)
    assert [state.text() for state in states] == ["good", "good"]


def test_pickles_find_their_file_again(judge: Any, tmp_path: Path) -> None:
    verdict = judge.Verdict("s", "B")
    assert pickle.loads(pickle.dumps(verdict)) == verdict == copy.deepcopy(verdict)
    assert pickle.loads(pickle.dumps(judge.judge)) is judge.judge
    (tmp_path / "pickled").write_bytes(pickle.dumps([verdict, judge.short]))
    program = (
        "import pickle, sys\n"
        "verdict, short = pickle.load(open(sys.argv[1], 'rb'))\n"
        "print(verdict, short('abcdef'), 'torch' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path / "pickled")], capture_output=True, text=True
    )
    shown = "Verdict(summary='s', grade='B', blood_status='unknown') abc... False\n"
    assert done.stdout == shown, done.stderr


def test_a_graph_prints_and_draws_itself(judge: Any, tmp_path: Path) -> None:
    graph = judge.judge.graph()
    assert "prompt @judge(" in str(graph)
    graph.save(tmp_path / "judge.html")
    assert "judge.sgl" in (tmp_path / "judge.html").read_text()
    assert graph._repr_html_().startswith("<iframe")


# Files with mistakes, and tools


def test_mistakes_are_told_as_the_command_does(tmp_path: Path) -> None:
    path = tmp_path / "broken.sgl"
    path.write_text("prompt a() -> str:\n    return summry\n\nprompt b():\n    userr: 3\n")
    with pytest.raises(ProgramError) as caught:
        sglc.load(path)
    shown = subprocess.run(
        [sys.executable, "-m", "sglc.cli.main", "check", str(path)], capture_output=True, text=True
    ).stderr
    assert "error[SGL0101]: unknown name `summry`" in shown
    assert shown.strip().splitlines()[:8] == str(caught.value).splitlines()[2:10]
    assert len(caught.value.diagnostics) == 2
    with pytest.raises(FileNotFoundError, match="no such program"):
        sglc.load(tmp_path / "nowhere.sgl")
    path.write_text('prompt a(unused: str):\n    "x"\n')
    with pytest.warns(ProgramWarning, match="unused"):
        sglc.load(path)


def read_file(path: str, limit: int = 10) -> str:
    return f"<{path}:{limit}>"


def test_tools_get_and_give_objects() -> None:
    agent = sglc.load(PROGRAMS / "agent.sgl", tools=[read_file]).agent
    with sglc.mock(note="seen") as backend:
        assert agent("a.py", backend=backend) == "seen: A.PY [1, 7] [1, 7, 8] <a.py:3>"


def test_a_tool_that_is_missing_or_differs_is_told_at_once() -> None:
    path = PROGRAMS / "agent.sgl"
    with pytest.raises(ProgramError, match=r"error\[SGL0701\]: tool `read_file` is not bound"):
        sglc.load(path)

    def other(path: int) -> str:
        return ""

    with pytest.raises(ProgramError, match=r"(?s)SGL0704.*the function is `read_file\(path: 'int'"):
        sglc.load(path, tools={"read_file": other})
    with pytest.raises(TypeError, match=r"declares no tool `read_fil`.*did you mean `read_file`"):
        sglc.load(path, tools={"read_file": read_file, "read_fil": read_file})
    with pytest.raises(
        TypeError, match=r"imports the tool `search` itself, from `host.store:grown`"
    ):
        sglc.load(path, tools={"read_file": read_file, "search": read_file})


def test_marked_tools_have_the_name_they_are_given() -> None:
    @sglc.tool(name="read_file")
    def anything(path: str, limit: int = 1) -> str:
        return path

    assert sglc.load(PROGRAMS / "agent.sgl", tools=[anything]).agent.__name__ == "agent"
    with pytest.raises(TypeError, match="tool `bad`: an annotation cannot be read: name 'Missing'"):

        @sglc.tool
        def bad(path: Missing) -> str:  # type: ignore[name-defined]  # noqa: F821
            return ""


def test_a_backend_that_is_shut_down_is_said(judge: Any) -> None:
    gone = sglc.mock(first="x")
    gone.shutdown()
    with pytest.raises(StateError, match="the backend mock is gone: the engine is shut down"):
        judge.loose(1, backend=gone)


def test_a_program_needs_no_tensor_library() -> None:
    program = (
        "import sys, sglc\n"
        f"print(sglc.load({str(PROGRAMS / 'judge.sgl')!r}).judge)\n"
        "print([n for n in ('torch', 'numpy', 'pydantic') if n in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stdout.splitlines()[1:] == ["[]"], done.stderr
