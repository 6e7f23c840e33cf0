"""Recordings of Python programs, and the plugin of pytest that makes and plays them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from generators.servers import RunningServer

import sglc
from sglc.backends.backend import Backend
from sglc.runtime.recording.reader import read_recording
from sglc.runtime.recording.recording import RecordingError


@sglc.function
def story(s: Any, topic: str) -> None:
    s += "About " + topic + ": " + sglc.gen("first", max_tokens=5) + ". "
    forks = s.fork(2)
    for i, f in enumerate(forks):
        f += f"({i}) " + sglc.gen("more", max_tokens=4)
    s += forks[0]["more"] + forks[1]["more"] + sglc.select("mood", choices=["sad", "glad"])


def told(state: sglc.ProgramState) -> tuple[str, str, str]:
    return state.text(), state["first"], state["mood"]


def test_a_program_says_the_same_without_the_model(tmp_path: Path, hashed: Backend) -> None:
    path = tmp_path / "a.sglrec"
    with sglc.record(path, hashed):
        state = story.run(topic="rain", backend=hashed, seed=4)
    expected = told(state)
    recording = read_recording(path)
    assert recording.is_whole
    assert len(recording.calls) == 4
    with sglc.replay(path) as backend:
        assert told(story.run(topic="rain", backend=backend, seed=4)) == expected
        assert told(story.run(topic="rain", backend=backend, seed=4)) == expected
        assert backend.missing == []


def test_nothing_is_written_before_and_behind_the_block(tmp_path: Path, hashed: Backend) -> None:
    story.run(topic="x", backend=hashed).text()
    with sglc.record(tmp_path / "a", hashed):
        pass
    story.run(topic="y", backend=hashed).text()
    assert read_recording(tmp_path / "a").calls == {}


def test_a_block_that_fails_leaves_what_was_said(tmp_path: Path, hashed: Backend) -> None:
    def fail() -> None:
        with sglc.record(tmp_path / "a", hashed):
            story.run(topic="rain", backend=hashed).text()
            raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        fail()
    recording = read_recording(tmp_path / "a")
    assert (recording.is_whole, len(recording.calls)) == (False, 4)


def test_what_was_said_is_in_the_file_at_once(tmp_path: Path, hashed: Backend) -> None:
    """So a process that is killed leaves all of it."""
    with sglc.record(tmp_path / "a", hashed):
        expected = told(story.run(topic="rain", backend=hashed, seed=4))
        copied = (tmp_path / "a").read_bytes()
    (tmp_path / "cut").write_bytes(copied + b'{"t":"call","n":5,"ke')
    with sglc.replay(tmp_path / "cut") as backend:
        assert told(story.run(topic="rain", backend=backend, seed=4)) == expected


def test_one_recording_at_a_time_and_over_nothing_else(tmp_path: Path, hashed: Backend) -> None:
    def begin(name: str) -> None:
        with sglc.record(tmp_path / name, hashed):
            pass

    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(RecordingError, match="is no recording: name another file"):
        begin("mine.txt")
    assert (tmp_path / "mine.txt").read_text() == "mine"
    with sglc.record(tmp_path / "a", hashed):
        with pytest.raises(sglc.StateError, match="is being recorded already"):
            begin("b")
        story.run(topic="rain", backend=hashed)
    begin("a")  # a recording may be written over
    assert read_recording(tmp_path / "a").calls == {}


def test_a_backend_that_is_shut_down_is_not_recorded(tmp_path: Path) -> None:
    backend = sglc.mock(a="x")
    backend.shutdown()
    with (
        pytest.raises(sglc.StateError, match="the backend mock is gone"),
        sglc.record(tmp_path / "a", backend),
    ):
        pass


def test_an_unknown_call_fails_and_is_told(tmp_path: Path, hashed: Backend) -> None:
    path = tmp_path / "a.sglrec"
    with sglc.record(path, hashed):
        story.run(topic="rain", backend=hashed)
    with sglc.replay(path) as backend:
        with pytest.raises(sglc.RunFailed, match="this call is not in the recording"):
            story.run(topic="snow", backend=backend)
        assert backend.missing == [
            'the prompt of call `first`\n  expected: "About rain: "\n  got:      "About snow: "'
        ]


TESTS = """
import sglc

@sglc.function
def ask(s, question):
    s += sglc.user(question)
    s += sglc.assistant(sglc.gen("answer", max_tokens=6))

def test_plain(sglc_recording):
    assert ask.run(question="Why?")["answer"]

class TestMore:
    def test_inside(self, sglc_recording):
        assert ask.run(question="QUESTION", temperature=0, backend=sglc_recording)["answer"]
"""


def run_pytest(folder: Path, *words: str) -> tuple[int, str]:
    options = ("-p", "sglc.testing", "-p", "no:cacheprovider", "-q", "--rootdir", str(folder))
    command = (sys.executable, "-m", "pytest", *options, *words, ".")
    here = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST")}
    done = subprocess.run(
        command,
        cwd=folder,
        env=here | {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


MOCKED = """
import sys
import pytest, sglc

sys.modules["torch"] = None

@pytest.fixture(scope="session")
def sglc_model():
    with sglc.mock(answer="Because.") as backend:
        yield backend
"""
UNRECORDED = """
def test_new(sglc_recording):
    pass
"""


def test_the_plugin_records_once_and_plays_from_then_on(tmp_path: Path) -> None:
    file = tmp_path / "test_ask.py"
    file.write_text(TESTS)
    (tmp_path / "conftest.py").write_text(MOCKED)
    code, out = run_pytest(tmp_path, "--sglc-record")
    assert code == 0, out
    made = sorted(each.name for each in (tmp_path / "recordings").iterdir())
    assert made == ["test_ask.TestMore-test_inside.sglrec", "test_ask.test_plain.sglrec"]
    (tmp_path / "conftest.py").write_text(MOCKED.replace("sglc.mock(", "no_model_is_asked("))
    file.write_text(TESTS.replace("QUESTION", "How?") + UNRECORDED)
    code, out = run_pytest(tmp_path)
    assert code == 1
    assert "1 passed" in out
    assert "the prompt of call `answer`" in out
    assert "QUESTION" in out.partition("expected:")[2]
    assert "How?" in out.partition("got:")[2]
    assert "pytest --sglc-record 'test_ask.py::TestMore::test_inside'" in out
    assert (
        "No such file or directory\nto record it: pytest --sglc-record 'test_ask.py::test_n" in out
    )
    assert "another exception occurred" not in out


def test_the_model_of_the_plugin_is_that_of_its_option() -> None:
    from types import SimpleNamespace

    from sglc import testing

    config = SimpleNamespace(getoption={"--sglc-model": "embedded"}.__getitem__)
    given = testing.sglc_model.__wrapped__(SimpleNamespace(config=config))  # type: ignore[attr-defined]  # of pytest
    engine = next(given)
    assert isinstance(engine, sglc.Engine)
    assert "embedded" in engine.name
    with pytest.raises(StopIteration):
        next(given)
    assert not engine.host.is_alive


def test_files_of_tests_with_parameters_have_names_of_their_own() -> None:
    from types import SimpleNamespace

    from sglc.testing import recording_path

    nodes = [
        SimpleNamespace(nodeid=f"test_a.py::test[{word}]", path=Path("/t/test_a.py"))
        for word in ("a b", "a/b", "é")
    ]
    paths = [recording_path(node) for node in nodes]  # type: ignore[arg-type]  # its two names
    assert len(set(paths)) == 3
    assert all(path.parent == Path("/t/recordings") for path in paths)


TOOLED = """@readonly
tool look(key: str) -> str
prompt main(x: str) -> str:
    "{look(x)}: "
    a = gen(max_tokens=3)
    return a
"""


def test_a_program_of_a_file_is_played_with_its_tools(tmp_path: Path, hashed: Backend) -> None:
    (tmp_path / "p.sgl").write_text(TOOLED)
    calls: list[str] = []

    def look(key: str) -> str:
        calls.append(key)
        return key.upper()

    program = sglc.load(tmp_path / "p.sgl", tools={"look": look})
    path = tmp_path / "a.sglrec"
    with sglc.record(path, hashed):
        expected = program.main(x="k", backend=hashed)
    with sglc.replay(path) as backend:
        assert program.main(x="k", backend=backend) == expected
        assert calls == ["k"]
        assert backend.missing == []
        with pytest.raises(sglc.RunFailed, match=r"look\(key=.other.\) is not in the recording"):
            program.main(x="other", backend=backend)
        assert backend.missing == ['the call look(key="other") is not in the recording']
    assert calls == ["k"]


def test_a_program_on_a_server_is_played_without_it(tmp_path: Path, server: RunningServer) -> None:
    path = tmp_path / "a.sglrec"
    with sglc.RuntimeEndpoint(server.url) as endpoint:
        with sglc.record(path, endpoint):
            state = story.run(topic="rain", backend=endpoint, seed=4)
        expected = told(state)
    with sglc.replay(path) as backend:
        assert told(story.run(topic="rain", backend=backend, seed=4)) == expected
        with pytest.raises(sglc.RunFailed, match="this call is not in the recording"):
            story.run(topic="snow", backend=backend)
        assert len(backend.missing) == 1
