"""The recordings that the tests of one program are run on, or write."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sglc.cli.errors import UsageError
from sglc.cli.recordings import read, recording_about, refuse_other_file

if TYPE_CHECKING:
    import argparse

    from sglc.compiler.driver import Program
    from sglc.compiler.plan.plan import Plan
    from sglc.runtime.executor.run import Result
    from sglc.runtime.host import Host
    from sglc.runtime.recording.recording import Recording
    from sglc.runtime.recording.replay import Replay
    from sglc.runtime.recording.writer import RecordingWriter


class RecordingFiles:
    """Recordings by their files, which lie beside the program.

    With ``--record`` the model is asked, and every file is written anew; one that several runs name
    holds what all of them asked.
    """

    def __init__(self, args: argparse.Namespace, path: str, program: Program) -> None:
        self._args = args
        self._path = path
        self._program = program
        self._folder = Path(path).resolve().parent
        self._replays: dict[Path, tuple[Recording, Replay]] = {}
        self._writers: dict[Path, RecordingWriter] = {}

    def run(
        self,
        file: str,
        plan: Plan,
        arguments: Mapping[str, Any],
        seed: int,
        model: Callable[[], Host],
    ) -> tuple[Result, str | None]:
        """Run a prompt on a recording; return the result, and what is wrong with the recording.

        Raises:
            UsageError: the file cannot be read or written.
        """
        path = self._folder / file
        if self._args.record:
            return self._record(path, plan, arguments, seed, model()), None
        if path not in self._replays and not path.exists():
            raise UsageError(f"{path} is not there: {self._way_out}")
        recording, replay = self._opened(path)
        backend, tape = replay.backend, replay.tape
        assert tape is not None, "no tool is run here"
        known = len(backend.missing), len(tape.missing)
        result = replay.host.run(plan, arguments, seed=seed)
        if len(backend.missing) > known[0]:
            from sglc.runtime.recording.differences import missing_call

            tokenizer = replay.host.encoder.tokenizer
            told = missing_call(recording, backend.missing[known[0]], plan, tokenizer)
            return result, f"{path}: {told}\n{self._way_out}"
        if len(tape.missing) > known[1]:
            return result, f"{path}: {tape.missing[known[1]]}\n{self._way_out}"
        return result, None

    def __enter__(self) -> RecordingFiles:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        """End what was recorded: whole, unless something has failed."""
        for writer in self._writers.values():
            if kind is None:
                writer.close()
            else:
                writer.abandon()
        for each in self._replays.values():
            each[1].host.executor.close()

    @property
    def _way_out(self) -> str:
        return f"to record it: sglc test --record {self._path}"

    def _opened(self, path: Path) -> tuple[Recording, Replay]:
        if path not in self._replays:
            recording = read(path)
            from sglc.runtime.recording.recording import RecordingError
            from sglc.runtime.recording.replay import open_replay

            try:
                self._replays[path] = recording, open_replay(recording)
            except RecordingError as error:
                raise UsageError(str(error)) from None
        return self._replays[path]

    def _record(
        self, path: Path, plan: Plan, arguments: Mapping[str, Any], seed: int, host: Host
    ) -> Result:
        writer = self._writers.get(path)
        if writer is None:
            from sglc.runtime.recording.writer import RecordingWriter

            refuse_other_file(path)
            about = recording_about(self._args, host, self._program, plan)
            writer = self._writers[path] = RecordingWriter(path, about)
        host.record(writer)
        try:
            return host.run(plan, arguments, seed=seed)
        finally:
            host.record(None)
