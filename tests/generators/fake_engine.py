"""An engine without a model: a process that answers, hangs or dies as its prompts say."""

from __future__ import annotations

import os
import socket
import sys
import time
from collections.abc import Iterable
from pathlib import Path

from sglc.runtime.core.stats import NOTHING
from sglc.server.engine import frames
from sglc.server.engine.messages import (
    Answer,
    Ask,
    Broken,
    Command,
    Finished,
    Generate,
    LoadPlan,
    Ready,
    Reply,
    Sampled,
    Shutdown,
)

ANSWER, DIE, HANG, WAIT = (1,), (2,), (3,), (4,)  # prompts, and what becomes of them


def fake_command(log: Path, mode: str = "works") -> tuple[str, ...]:
    """Return what starts one; ``log`` gets a line for each start and for each command.

    ``mode``: ``works``; ``broken``: it says that it cannot start; ``dies`` before it is ready.
    """
    return (sys.executable, __file__, str(log), mode)


def main() -> None:
    """Serve over the socket whose number is given."""
    path, mode, number = sys.argv[1:4]
    connection = socket.socket(fileno=int(number))
    frames.receive(connection)
    with Path(path).open("a", buffering=1) as log:
        log.write("start\n")
        if mode == "dies":
            os._exit(1)
        if mode == "broken":
            connection.sendall(frames.pack([Broken("there is no model")]))
            return
        connection.sendall(frames.pack([Ready(100, 300, 1000)]))
        while True:
            commands: list[Command] = frames.receive(connection)
            for command in commands:
                log.write(f"{type(command).__name__} {getattr(command, 'job', '')}\n")
                replies = list(_obey(command))
                if replies:
                    connection.sendall(frames.pack(replies))


def _obey(command: Command) -> Iterable[Reply]:
    match command:
        case Generate(job, generation) if generation.ids == ANSWER:
            yield from (Sampled(job, i, None, NOTHING) for i in range(generation.num_samples))
            yield Finished(job)
        case Generate(generation=generation) if generation.ids == DIE:
            os._exit(1)
        case Generate(generation=generation) if generation.ids == HANG:
            time.sleep(1000)
        case Ask(number):
            yield Answer(number, {})
        case Shutdown():
            os._exit(0)
        case Generate() | LoadPlan():
            pass


if __name__ == "__main__":
    main()
