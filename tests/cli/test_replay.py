"""`sglc run --record` and `sglc replay`."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from generators.servers import RunningServer

from sglc.runtime.core.events import Failed
from sglc.runtime.recording.encoders import encoder_of
from sglc.runtime.recording.reader import read_recording

Command = Callable[..., Any]
Write = Callable[..., Path]

PROGRAM = """prompt main(topic: str):
    user: "Tell me of {topic}."
    assistant: "{first = gen(line, max_tokens=6)}"
    user: "More."
    assistant: "{second = gen(line, max_tokens=6, temperature=1)}"
    user: "Last."
    assistant: "{third = gen(line, max_tokens=6)}"
"""


@pytest.fixture
def recorded(sglc: Command, program: Write, tmp_path: Path) -> tuple[Path, Path, str]:
    path, file = program(PROGRAM), tmp_path / "a.sglrec"
    done = sglc("run", path, "--topic", "rain", "--record", file)
    assert done.code == 0, done.err
    return path, file, done.out


def test_a_replay_is_identical(sglc: Command, recorded: tuple[Path, Path, str]) -> None:
    path, file, _ = recorded
    for words in ((file,), (file, path)):
        done = sglc("replay", *words)
        assert done.code == 0
        assert done.out.startswith(f"{file}: identical: 1 run, 3 calls, ")
        assert done.err == ""


def test_a_replay_loads_no_model(recorded: tuple[Path, Path, str]) -> None:
    _, file, _ = recorded
    code = (
        "import sys; from sglc.cli.main import main\n"
        f"code = main(['replay', {str(file)!r}])\n"
        "sys.exit(9 if 'torch' in sys.modules else code)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_the_first_difference_is_told_with_its_place(
    sglc: Command, recorded: tuple[Path, Path, str]
) -> None:
    path, file, _ = recorded
    path.write_text(PROGRAM.replace("More.", "Go on."))
    done = sglc("replay", file, path)
    assert done.code == 1
    assert f"{file}: not the same" in done.out
    assert f"{path}:5:27: the prompt of call `second`" in done.out
    assert 'expected: …"' in done.out
    assert "More." in done.out
    assert "Go on." in done.out
    assert sglc("replay", file).code == 0  # the program as it was recorded is still the same


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("(line, max_tokens=6, t", "(line, max_tokens=7, t", "the options of call `second`"),
        ("third =", "fourth =", "7:27: capture `fourth`\n    expected: nothing"),
        ("temperature=1", "temperature=1, top_k=3", "got:      sampling="),
    ],
)
def test_other_options_and_names_are_differences(
    sglc: Command, recorded: tuple[Path, Path, str], old: str, new: str, told: str
) -> None:
    path, file, _ = recorded
    path.write_text(PROGRAM.replace(old, new))
    done = sglc("replay", file, path)
    assert (done.code, told in done.out) == (1, True), done.out


def test_another_outcome_is_a_difference(sglc: Command, recorded: tuple[Path, Path, str]) -> None:
    """The same calls, and something else is made of what they gave."""
    path, file, _ = recorded
    path.write_text(PROGRAM + '    "x{third}"\n')
    done = sglc("replay", file, path)
    assert done.code == 1
    assert "the text" in done.out
    *lines, result, end = file.read_text().splitlines()
    data = json.loads(result)
    data["captures"]["second"] += "!"
    file.write_text("\n".join([*lines, json.dumps(data), end]) + "\n")
    done = sglc("replay", file)
    assert done.code == 1
    assert f"{path}:5:27: capture `second`" in done.out
    assert '!"' in done.out


def test_an_edited_line_executes_what_lies_downstream_of_it(
    sglc: Command, recorded: tuple[Path, Path, str]
) -> None:
    path, file, out = recorded
    before = file.read_bytes()
    done = sglc("replay", file, "--execute")
    assert (done.code, done.out) == (0, out)
    assert "executed: 0 calls, 0 tokens" in done.err
    path.write_text(PROGRAM.replace("More.", "Go on."))
    done = sglc("replay", file, "--execute")
    fresh = sglc("run", path, "--topic", "rain")
    assert done.out == fresh.out
    assert "from the recording: 1 call, " in done.err
    assert "executed: 2 calls, " in done.err
    assert "no longer asked: 2 calls" in done.err
    assert file.read_bytes() == before


def test_update_writes_the_recording_anew(sglc: Command, recorded: tuple[Path, Path, str]) -> None:
    path, file, _ = recorded
    path.write_text(PROGRAM.replace("Last.", "At last."))
    done = sglc("replay", file, "--update")
    assert done.code == 0
    assert "executed: 1 call, " in done.err
    assert f"{file}: written anew" in done.err
    assert sglc("replay", file, path).code == 0
    assert sglc("replay", file).code == 0
    assert (
        "At last." in json.loads(file.read_text().splitlines()[0])["program"]["sources"][str(path)]
    )
    assert [each.name for each in file.parent.iterdir() if "tmp" in each.name] == []


def test_update_keeps_the_chat_template_that_it_asked_with(
    sglc: Command, recorded: tuple[Path, Path, str]
) -> None:
    path, file, _ = recorded
    path.write_text(PROGRAM.replace("Last.", "At last."))
    done = sglc("replay", file, "--update", "--chat-template", "vicuna_v1.1")
    assert done.code == 0, done.err
    about = json.loads(file.read_text().splitlines()[0])
    assert about["options"]["chat_template"] == "vicuna_v1.1"


def test_a_batch_is_one_file(sglc: Command, program: Write, tmp_path: Path) -> None:
    path, file, rows = program(PROGRAM), tmp_path / "a.sglrec", tmp_path / "rows.jsonl"
    rows.write_text("".join(f'{{"topic": "{word}"}}\n' for word in ("rain", "snow", "hail")))
    done = sglc("run", path, "--inputs", rows, "--record", file)
    assert done.code == 0, done.err
    kinds = [json.loads(line).get("t") for line in file.read_text().splitlines()]
    assert (kinds.count("run"), kinds.count("result"), kinds.count("plan")) == (3, 3, 1)
    assert "identical: 3 runs, 9 calls" in sglc("replay", file).out
    path.write_text(PROGRAM.replace("More.", "Go on."))
    executed = sglc("replay", file, "--execute")
    assert "from the recording: 3 calls" in executed.err
    assert "executed: 6 calls" in executed.err
    told = [json.loads(line)["captures"] for line in executed.out.splitlines()]
    fresh = sglc("run", path, "--inputs", rows)
    assert told == [json.loads(line)["captures"] for line in fresh.out.splitlines()]


def test_a_recording_that_was_cut_off_is_checked_and_brought_to_its_end(
    sglc: Command, recorded: tuple[Path, Path, str]
) -> None:
    _, file, out = recorded
    lines = file.read_bytes().splitlines(keepends=True)
    calls = [i for i, line in enumerate(lines) if b'"t":"call"' in line]
    file.write_bytes(b"".join(lines[: calls[1] + 1]) + lines[calls[2]][:40])
    done = sglc("replay", file)
    assert done.code == 1
    assert "nothing to compare: no run had ended" in done.out
    assert "`--update` brings the runs to their end" in done.out
    done = sglc("replay", file, "--update")
    assert "from the recording: 2 calls" in done.err
    assert "executed: 1 call, " in done.err
    assert done.out == out
    assert "identical: 1 run, 3 calls" in sglc("replay", file).out


TOOLED = """@readonly
tool look(key: str) -> str from "looking:look"

prompt main(topic: str):
    found = look(topic)
    user: "{found}"
    assistant: "{answer = gen(line, max_tokens=4)}"
"""


def test_an_update_without_the_tools_it_needs_leaves_the_recording(
    sglc: Command, program: Write, tmp_path: Path
) -> None:
    path, file = program(TOOLED), tmp_path / "a.sglrec"
    path.with_name("looking.py").write_text("def look(key): return key.upper()\n")
    assert sglc("run", path, "--topic", "rain", "--record", file).code == 0
    before = file.read_bytes()
    path.write_text(TOOLED.replace("look(topic)", 'look("no " + topic)'))
    done = sglc("replay", file, "--update")
    assert done.code == 3
    assert 'the call look(key="no rain") is not in the recording' in done.err
    assert "to make it: --run-tools=missing; the recording stays as it was" in done.err
    assert file.read_bytes() == before
    assert sglc("replay", file, "--update", "--run-tools=missing").code == 0
    assert "identical: 1 run, 1 call" in sglc("replay", file, path).out


class Gone:
    """A backend that fails whatever it is asked."""

    def __init__(self) -> None:
        self._asked: list[int] = []

    @property
    def idle(self) -> bool:
        return not self._asked

    def submit(self, _: object) -> int:
        self._asked.append(len(self._asked) + 1)
        return self._asked[-1]

    def step(self) -> list[Failed]:
        asked, self._asked = self._asked, []
        return [Failed(stream, 0, "the server has gone away") for stream in asked]


def test_an_update_on_a_model_that_fails_leaves_the_recording(
    sglc: Command, recorded: tuple[Path, Path, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    path, file, _ = recorded
    before, encoder = file.read_bytes(), encoder_of(read_recording(file))
    monkeypatch.setattr("sglc.cli.recorded_models._local", lambda *_: (Gone(), encoder))
    path.write_text(PROGRAM.replace("More.", "Go on."))
    done = sglc("replay", file, "--update")
    assert done.code == 3
    assert "the server has gone away; the recording stays as it was" in done.err
    assert file.read_bytes() == before


def test_what_is_no_recording_of_a_program_file_says_what_it_is(
    sglc: Command, recorded: tuple[Path, Path, str], tmp_path: Path
) -> None:
    first, *_ = recorded[1].read_text().splitlines(keepends=True)
    cut, python = tmp_path / "cut.sglrec", tmp_path / "python.sglrec"
    cut.write_text(first)
    assert "was cut off before its program was written" in sglc("replay", cut).err
    about = {k: v for k, v in json.loads(first).items() if k not in ("program", "options")}
    python.write_text(json.dumps(about) + "\n")
    done = sglc("replay", python)
    assert done.code == 2
    assert "was made in Python, where `sglc.replay` is a backend" in done.err


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (("--model", "embedded"), "--model goes with --execute"),
        (("--max-slots", "99"), "--max-slots goes with --execute"),
        (("--no-jump-forward",), "--no-jump-forward goes with --execute"),
        (("--server", "http://x"), "--server goes with --execute"),
        (("--speculate", "9"), "--speculate goes with --execute"),
        (("--execute", "--emulate"), "--emulate goes with --server"),
        (("none.sgl",), "none.sgl: no such file"),
        (("--run-tools", "some"), "invalid choice"),
    ],
)
def test_wrong_usage(
    sglc: Command, recorded: tuple[Path, Path, str], words: tuple[str, ...], reason: str
) -> None:
    done = sglc("replay", recorded[1], *words)
    assert done.code == 2
    assert reason in done.err


def test_a_program_that_no_longer_fits_is_refused(
    sglc: Command, recorded: tuple[Path, Path, str]
) -> None:
    path, file, _ = recorded
    path.write_text(PROGRAM.replace("topic: str", "subject: str").replace("{topic}", "{subject}"))
    done = sglc("replay", file, path)
    assert done.code == 2
    assert "the arguments of run 1 do not fit main" in done.err
    path.write_text(PROGRAM.replace("prompt main", "prompt other"))
    done = sglc("replay", file, path)
    assert (done.code, "no prompt `main`" in done.err) == (2, True)
    path.write_text(PROGRAM.replace("gen(", "gne("))
    assert sglc("replay", file, path).code == 1


def test_nothing_but_a_recording_is_written_over(
    sglc: Command, program: Write, tmp_path: Path
) -> None:
    path, notes = program(PROGRAM), tmp_path / "notes.txt"
    notes.write_text("mine")
    for file, reason in (
        (path, "is already the file of the program"),
        (notes, "is no recording: name another file"),
        (tmp_path, "is a directory"),
        (tmp_path / "no" / "a.sglrec", "lies in a folder that does not exist"),
    ):
        done = sglc("run", path, "--topic", "x", "--record", file)
        assert (done.code, reason in done.err) == (2, True), done.err
    assert notes.read_text() == "mine"
    assert path.read_text() == PROGRAM


def test_the_tokenizer_of_another_model_is_in_the_file(
    sglc: Command, program: Write, tmp_path: Path
) -> None:
    import shutil

    from sglc.runtime.models.hub import resolve

    model = tmp_path / "model"
    shutil.copytree(resolve("embedded"), model)
    path, file = program(PROGRAM), tmp_path / "a.sglrec"
    done = sglc("run", path, "--topic", "rain", "--record", file, "--model", model)
    assert done.code == 0, done.err
    shutil.rmtree(model)
    assert "identical: 1 run, 3 calls" in sglc("replay", file).out
    path.write_text(PROGRAM.replace("Last.", "At last."))
    done = sglc("replay", file, "--execute")
    assert done.code == 3
    assert "no such directory" in done.err
    done = sglc("replay", file, "--execute", "--model", "embedded")
    assert done.code == 0
    assert "executed: 1 call, " in done.err


def test_an_interruption_leaves_what_was_recorded(
    sglc: Command, program: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from sglc.runtime.host import Host

    path, file, rows = program(PROGRAM), tmp_path / "a.sglrec", tmp_path / "rows.jsonl"
    rows.write_text('{"topic": "rain"}\n{"topic": "snow"}\n')
    ended: list[Any] = []
    result = Host.result

    def interrupted(self: Host, run: Any) -> Any:
        if ended:
            raise KeyboardInterrupt
        ended.append(run)
        return result(self, run)

    monkeypatch.setattr(Host, "result", interrupted)
    assert sglc("run", path, "--inputs", rows, "--record", file).code == 130
    monkeypatch.undo()
    done = sglc("replay", file)
    assert done.code == 0
    assert "identical: 1 run, 3 calls" in done.out
    assert "1 run had not ended" in done.out


@pytest.mark.parametrize("dialect", ["native", "completions"])
def test_runs_on_a_server_are_replayed_without_it(
    sglc: Command, program: Write, tmp_path: Path, server: RunningServer, dialect: str
) -> None:
    path, file = program(PROGRAM), tmp_path / "a.sglrec"
    words = ("--server", server.url, "--dialect", dialect)
    first = sglc("run", path, "--topic", "rain", "--record", file, *words)
    assert first.code == 0, first.err
    about = json.loads(file.read_text().splitlines()[0])
    about["options"]["server"] = "http://127.0.0.1:9"  # nobody is there
    gone = tmp_path / "gone.sglrec"
    gone.write_text("\n".join([json.dumps(about), *file.read_text().splitlines()[1:]]) + "\n")
    assert "identical: 1 run, 3 calls" in sglc("replay", gone).out
    assert sglc("replay", gone, "--execute").out == first.out
    path.write_text(PROGRAM.replace("Last.", "At last."))
    assert sglc("replay", gone, "--execute").code == 3
    done = sglc("replay", file, "--update")
    assert "from the recording: 2 calls" in done.err
    assert "executed: 1 call, " in done.err
    assert "identical: 1 run, 3 calls" in sglc("replay", file, path).out


def test_a_run_that_time_has_ended_is_compared_as_far_as_it_came(
    sglc: Command, program: Write, tmp_path: Path
) -> None:
    path, file = program(SLOW), tmp_path / "a.sglrec"
    (tmp_path / "slow.py").write_text("import time\ndef wait(x):\n    time.sleep(30)\n")
    done = sglc("run", path, "--record", file, "--timeout", "2")
    assert done.code == 3
    assert "the run needs more than 2 s" in done.err
    result = json.loads(file.read_text().splitlines()[-2])
    assert result["timeout"] is True
    assert list(result["captures"]) == ["first"]
    done = sglc("replay", file)
    assert (done.code, "identical: 1 run, 1 call," in done.out) == (0, True), done.out


SLOW = """tool wait(x: str) -> str from "slow:wait"

prompt main():
    "One:{first = gen(max_tokens=2)}"
    y = wait(first)
    "{y}"
"""
