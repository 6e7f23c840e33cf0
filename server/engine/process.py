"""One life of the engine's process: started, spoken to, ended; used in one event loop."""

from __future__ import annotations

import asyncio
import os
import pickle
import signal
import socket
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress

from sglc.runtime.options import LocalOptions
from sglc.server.engine import frames
from sglc.server.engine.messages import Broken, Command, Ready, Reply, Shutdown

WORKER = (sys.executable, "-m", "sglc.server.engine.worker")
_READ_LIMIT = 1 << 24  # bytes that wait in this process; more wait in the engine's


class EngineError(RuntimeError):
    """The engine cannot be started."""


class EngineProcess:
    """A process that has loaded its model. ``start`` makes one.

    It leads a group of its own, which ``kill`` ends: what it has started goes with it. It ends by
    itself when this process does.
    """

    def __init__(
        self,
        process: subprocess.Popen[bytes],
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        self._process = process
        self._reader = reader
        self._writer = writer
        self._commands: list[Command] = []
        self.ready: Ready | None = None

    @classmethod
    async def start(cls, options: LocalOptions, command: Sequence[str] = WORKER) -> EngineProcess:
        """Start a process and wait until the model is loaded.

        Raises:
            EngineError: it cannot be loaded.
        """
        ours, theirs = socket.socketpair()
        with theirs:
            child = subprocess.Popen(
                [*command, str(theirs.fileno()), str(os.getpid())],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                start_new_session=True,  # signals of a terminal are for the process that serves
            )
        reader, writer = await asyncio.open_unix_connection(sock=ours, limit=_READ_LIMIT)
        process = cls(child, reader, writer)
        try:
            writer.write(frames.pack(options))
            process.ready = await process._first()
        except BaseException:
            await process.end(0.0)
            raise
        return process

    async def _first(self) -> Ready:
        try:
            first = (await self.receive())[0]
        except EOFError:
            raise EngineError("the engine's process ended while it was starting") from None
        if isinstance(first, Broken):
            raise EngineError(first.message)
        assert isinstance(first, Ready)
        return first

    @property
    def pid(self) -> int:
        """The number of the process."""
        return self._process.pid

    async def receive(self) -> list[Reply]:
        """Return the next replies.

        Raises:
            EOFError: the process has ended.
        """
        try:
            head = await self._reader.readexactly(frames.LENGTH.size)
            (size,) = frames.LENGTH.unpack(head)
            replies: list[Reply] = pickle.loads(await self._reader.readexactly(size))
        except (asyncio.IncompleteReadError, ConnectionError):
            raise EOFError from None
        return replies

    def say(self, command: Command) -> None:
        """Send a command, together with those of the same turn of the event loop."""
        if not self._commands:
            asyncio.get_running_loop().call_soon(self._flush)
        self._commands.append(command)

    def _flush(self) -> None:
        commands, self._commands = self._commands, []
        if commands and not self._writer.is_closing():
            self._writer.write(frames.pack(commands))

    def kill(self) -> None:
        """End the process and what it has started, at once."""
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)

    async def end(self, timeout_s: float) -> None:
        """Ask the process to end; kill it, and what it has started, when the time is over."""
        if timeout_s > 0:
            self.say(Shutdown())
            self._flush()
            loop = asyncio.get_running_loop()
            deadline = loop.time() + timeout_s
            while self._process.poll() is None and loop.time() < deadline:
                await asyncio.sleep(0.02)
        self._writer.close()
        self.kill()
        await asyncio.to_thread(self._process.wait)  # giving much memory back takes a while
