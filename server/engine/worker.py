"""The engine's process: one loop that takes commands, makes steps and reports.

A thread reads commands; the model, the scheduler and the executor are used by the main thread
alone, which sends replies too. The process ends when the other side goes away.
"""

from __future__ import annotations

import ctypes
import gc
import os
import queue
import signal
import socket
import sys
import threading
import time
import traceback
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from sglc.runtime.engine.shared import SharedBackend
from sglc.runtime.executor.constraints import ConstraintCompiler
from sglc.runtime.local import LocalEngine, load_engine
from sglc.runtime.models.errors import ModelError
from sglc.runtime.options import LocalOptions
from sglc.server.engine import frames
from sglc.server.engine.embedding import Embedding
from sglc.server.engine.generating import Generating
from sglc.server.engine.instances import Instances, Wake
from sglc.server.engine.messages import (
    Answer,
    AnswerTool,
    Ask,
    Broken,
    Cancel,
    Command,
    EmbedPrompts,
    Generate,
    LoadPlan,
    Question,
    Ready,
    Reply,
    RunPlan,
    Shutdown,
    UnloadPlan,
)
from sglc.server.engine.sender import Sender

_END_S = 5.0  # how long this process may outlive the other side


class Worker:
    """Everything that runs in the engine's process, driven by ``step``; has no thread of its own.

    ``take`` returns the commands that have come since, ``send`` hands replies over.
    """

    def __init__(
        self,
        engine: LocalEngine,
        wake: Wake,
        take: Callable[[], list[Command]],
        send: Callable[[list[Reply]], None],
    ) -> None:
        self._scheduler = engine.scheduler
        self._wake = wake
        self._take = take
        self._send = send
        self._shared = SharedBackend(engine.scheduler)
        self._compiler = ConstraintCompiler(wake, preparer=engine.preparer)
        self._streams, self._prompts = self._shared.client(), self._shared.client()
        self._generating = Generating(self._streams, self._compiler)
        self._embedding = Embedding(self._prompts)
        self._instances = Instances(self._shared.client, engine.encoder, engine.preparer, wake)
        self._is_over = False

    @property
    def num_slots(self) -> int:
        """Tokens that the KV cache holds."""
        return self._instances.num_slots

    def run(self) -> None:
        """Step until told to end."""
        while self.step():
            # What one makes a step for may be news for the other; what a program asks next, it has
            # not submitted yet.
            if not self._shared.idle or self._instances.is_asking:
                continue
            patience_s = self._instances.patience_s
            self._wake.wait(None if patience_s is None else max(patience_s, 0.001))
        self._instances.close()
        self._compiler.close()

    def step(self) -> bool:
        """Make at most one forward pass, and say what came of it; False when it is time to end."""
        self._wake.begin()  # first, so that whatever comes from here on is seen
        self._instances.step()
        replies: list[Reply] = []
        for command in self._take():
            self._obey(command, replies)
        self._generating.take_prepared()
        if not self._shared.unread and not (self._streams.idle and self._prompts.idle):
            self._shared.step()
        replies += self._generating.take(self._streams.take())
        replies += self._embedding.take(self._prompts.take())
        replies += self._instances.take()
        if replies:
            self._send(replies)
        return not self._is_over

    def _obey(self, command: Command, replies: list[Reply]) -> None:
        match command:
            case Generate(job, generation, namespace):
                self._generating.begin(job, generation, namespace)
            case EmbedPrompts(job, prompts, namespace):
                self._embedding.begin(job, prompts, namespace)
            case RunPlan():
                self._instances.begin(command)
            case Cancel(job):
                self._generating.cancel(job)
                self._embedding.cancel(job)
                self._instances.cancel(job)
            case AnswerTool():
                self._instances.answer(command)
            case LoadPlan(digest, plan):
                self._instances.load(digest, plan)
            case UnloadPlan(digest):
                self._instances.unload(digest)
            case Ask(number, question):
                replies.append(Answer(number, self._answer(question)))
            case Shutdown():
                self._is_over = True

    def _answer(self, question: Question) -> Mapping[str, Any]:
        if question == "ping":
            return {}
        snapshot = self._scheduler.snapshot()
        if question == "flush":
            is_free = not snapshot.running and not snapshot.num_waiting
            return {"freed": self._scheduler.flush_cache() if is_free else None}
        return {
            "counters": dict(self._scheduler.stats()),
            "jobs": self._generating.num_jobs + self._embedding.num_jobs + self._instances.num_jobs,
            "plans": self._instances.num_plans,
            "running": len(snapshot.running),
            "waiting": snapshot.num_waiting,
            "held_slots": snapshot.held_slots,
            "cached_slots": snapshot.cached_slots,
            "free_slots": snapshot.free_slots,
            "available_slots": self._scheduler.num_available_slots,
        }


def serve(connection: socket.socket) -> None:
    """Load the model that the first frame names, then work until the other side goes away."""
    options: LocalOptions = frames.receive(connection)
    inbox: queue.SimpleQueue[Command] = queue.SimpleQueue()
    sender = Sender(connection)
    wake = Wake()
    threading.Thread(target=_read, args=(connection, inbox, wake), daemon=True).start()
    try:
        engine = load_engine(options)
    except (ModelError, OSError, ValueError) as error:
        sender.send([Broken(str(error))])
        sender.close(1.0)
        return
    worker = Worker(engine, wake, lambda: _drain(inbox), sender.send)
    scheduler = engine.scheduler
    sender.send([Ready(scheduler.max_context, scheduler.vocab_size, worker.num_slots)])
    gc.collect()
    gc.freeze()  # what is loaded stays; the collector need not look at it again
    try:
        worker.run()
    except BaseException:
        traceback.print_exc()
        raise
    finally:
        sender.close(1.0)


def _drain(inbox: queue.SimpleQueue[Command]) -> list[Command]:
    commands: list[Command] = []
    with suppress(queue.Empty):
        while True:
            commands.append(inbox.get_nowait())
    return commands


def _read(
    connection: socket.socket, inbox: queue.SimpleQueue[Command], wake: threading.Event
) -> None:
    with suppress(EOFError):
        while True:
            for command in frames.receive(connection):
                inbox.put(command)
            wake.set()
    inbox.put(Shutdown())
    wake.set()
    time.sleep(_END_S)
    os.killpg(0, signal.SIGKILL)  # it loads, or hangs; what it has started ends with it


def _end_with(parent: int) -> None:
    """See to it that this process is killed when its parent ends, where the system can."""
    if sys.platform == "linux":
        kill_me = 1  # PR_SET_PDEATHSIG
        ctypes.CDLL(None).prctl(kill_me, signal.SIGKILL)
        if os.getppid() != parent:  # it has ended already
            sys.exit(1)


def main() -> None:
    """Serve over a socket; the arguments are its number and the id of the parent."""
    _end_with(int(sys.argv[2]))
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the process that serves decides
    serve(socket.socket(fileno=int(sys.argv[1])))


if __name__ == "__main__":
    main()
