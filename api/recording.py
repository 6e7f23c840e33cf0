"""Recordings of programs: what a model says once is said again in tests, without it."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from sglc.backends.backend import Backend, Made, Seam, backend_or_default
from sglc.errors import StateError

if TYPE_CHECKING:
    from sglc.runtime.recording.recording import Recording
    from sglc.runtime.recording.replay_backend import ReplayBackend
    from sglc.runtime.recording.writer import RecordingWriter

_PATIENCE_S: Final = 0.001


@contextmanager
def record(path: str | Path, backend: Backend | None = None) -> Iterator[Backend]:
    """Write down what the model says to programs within the block, tools included.

        with sglc.record("qa.sglrec"):
            qa.run(question="Why?")

    The block ends when all that runs on the backend has ended. If it fails, the file holds what was
    said until then.

    Raises:
        NoBackendError: there is no backend.
        OSError: the file cannot be written.
        RecordingError: the tokenizer of the backend cannot be kept in a recording, or something
            else than a recording is there.
        StateError: the backend is being recorded already, or was shut down.
    """
    from sglc.runtime.recording.about import model_data
    from sglc.runtime.recording.pictures import stable_ids
    from sglc.runtime.recording.writer import RecordingWriter

    used = backend_or_default(backend)
    executor, encoder = used.host.executor, used.encoder
    if executor.has_listener:
        raise StateError(f"what {used!r} says is being recorded already: end that first")
    about = {
        "by": f"sglc {_version()}",
        "seam": used.seam,
        "model": model_data(executor, encoder, used.name),
    }
    writer = RecordingWriter(path, about, stable_ids(encoder.tokenizer))
    try:
        _listen(used, writer)
        yield used
        while used.host.is_alive and executor.num_runs:
            time.sleep(_PATIENCE_S)
    except BaseException:
        writer.abandon()
        raise
    finally:
        with suppress(StateError):  # it is shut down, and says nothing more
            _listen(used, None)
    writer.close()


def replay(path: str | Path) -> Replayed:
    """Return a backend that says what a recording holds. It loads no model.

    A call that is not in it fails, and is in ``missing``.

    Raises:
        RecordingError: the file cannot be read.
    """
    from sglc.runtime.recording.reader import read_recording

    return Replayed(read_recording(path))


class Replayed(Backend):
    """The backend of a recording."""

    def __init__(self, recording: Recording) -> None:
        self._recording = recording
        self._answering: ReplayBackend
        super().__init__(self._make, name=str(recording.path), seam=_seam(recording))

    def _make(self, wake: threading.Event) -> Made:
        from sglc.runtime.executor.executor import Executor
        from sglc.runtime.recording.encoders import encoder_of
        from sglc.runtime.recording.pictures import stable_ids
        from sglc.runtime.recording.replay_backend import replay_backend
        from sglc.runtime.recording.tools import ReplayTape

        encoder = encoder_of(self._recording)
        stable = stable_ids(encoder.tokenizer)
        self._answering = replay_backend(self._recording, stable=stable)
        self._tape = ReplayTape(self._recording.tools)
        return Executor(self._answering, encoder, wake=wake, tape=self._tape), encoder

    @property
    def runs_graphs(self) -> bool:
        """No: calls are known by what they say, step by step, as they were recorded."""
        return False

    @property
    def missing(self) -> list[str]:
        """What each call that is not in the recording was: of the model, and the recorded one
        that is most like it; then of tools."""
        from sglc.runtime.recording.differences import missing_call

        tokenizer = self.encoder.tokenizer
        asked = list(self._answering.missing)
        told = [str(missing_call(self._recording, each, None, tokenizer)) for each in asked]
        return [*told, *map(str, self._tape.missing)]


def _seam(recording: Recording) -> Seam:
    return "canonical" if recording.about.get("seam") == "canonical" else "repair"


def _listen(backend: Backend, listener: RecordingWriter | None) -> None:
    """Let somebody be told of what is said, from now on.

    Raises:
        StateError: the backend is shut down.
    """
    try:
        backend.ask(lambda: backend.host.executor.listen(listener))
    except RuntimeError as error:
        raise StateError(f"the backend {backend.name} is gone: {error}") from None


def _version() -> Any:
    import sglc

    return sglc.__version__
