"""A browser without a window, driven over the DevTools protocol through two pipes."""

from __future__ import annotations

import json
import os
import select
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Final

NAMES: Final = ("chromium", "chromium-browser", "google-chrome", "chrome")
TIMEOUT_S: Final = 60.0
# The protocol fixes the numbers: commands come in on 3, answers leave on 4.
_LAUNCHER: Final = """
import fcntl, os, sys
ends = [fcntl.fcntl(int(number), fcntl.F_DUPFD, 10) for number in sys.argv[1:3]]
for number, end in enumerate(ends, 3):
    os.dup2(end, number)
os.execv(sys.argv[3], sys.argv[3:])
"""
_CODES: Final = {
    "Enter": 13, "Escape": 27, "ArrowRight": 39, "ArrowLeft": 37, "Tab": 9, "Home": 36,
    "End": 35, "Backspace": 8,
}  # fmt: skip
_CTRL, _SHIFT = 2, 8  # bits of modifiers


def find_browser() -> str | None:
    """The path of an installed browser, or None."""
    return next((found for name in NAMES if (found := shutil.which(name))), None)


class Browser:
    """One page. ``problems`` collects what it writes to the console and errors of its script."""

    def __init__(self, binary: str, profile: Path) -> None:
        """``profile``: an empty folder for the browser's own files."""
        child_in, self._write = os.pipe()
        self._read, child_out = os.pipe()
        flags = [
            "--headless",
            "--no-sandbox",  # a container has no namespaces to build one with
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--remote-debugging-pipe",
            "--window-size=1440,860",
            f"--user-data-dir={profile}",
        ]
        pipes = [str(child_in), str(child_out)]
        self._process = subprocess.Popen(
            [sys.executable, "-c", _LAUNCHER, *pipes, binary, *flags],
            pass_fds=(child_in, child_out),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(child_in)
        os.close(child_out)
        self._buffer = b""
        self._last_id = 0
        self._session: str | None = None
        self._loaded = False
        self.problems: list[str] = []
        target = self.command("Target.createTarget", url="about:blank")
        attached = self.command("Target.attachToTarget", targetId=target["targetId"], flatten=True)
        self._session = attached["sessionId"]
        for domain in ("Page", "Runtime", "Log"):
            self.command(f"{domain}.enable")
        # Tab may leave the page; without this, later pages would never get the focus back.
        self.command("Emulation.setFocusEmulationEnabled", enabled=True)

    def __enter__(self) -> Browser:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self._process.terminate()
        self._process.wait(TIMEOUT_S)
        os.close(self._write)
        os.close(self._read)

    def command(self, method: str, **params: Any) -> dict[str, Any]:
        """Send a command and return its result.

        Raises:
            RuntimeError: the browser refuses it, or is gone.
            TimeoutError: there is no answer.
        """
        self._last_id += 1
        message = {"id": self._last_id, "method": method, "params": params}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._write, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._next()
            if answer.get("id") == self._last_id:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']}")
                result: dict[str, Any] = answer["result"]
                return result

    def open(self, path: Path) -> None:
        """Open a file and wait until it is loaded."""
        self.visit(path.as_uri())

    def visit(self, url: str) -> None:
        """Open an address and wait until it is loaded."""
        self._loaded = False
        self.command("Page.navigate", url=url)
        while not self._loaded:
            self._next()

    def run(self, script: str) -> Any:
        """The value of an expression in the page, as data; of a promise, what it comes to."""
        done = self.command(
            "Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True
        )
        if "exceptionDetails" in done:
            raise RuntimeError(f"{script}: {done['exceptionDetails']}")
        return done["result"].get("value")

    def frame(self, address: str) -> Callable[[str], Any]:
        """Return what runs expressions in a frame without an origin, once there is one.

        It is a process of its own: nothing of the page gets there. Its problems are collected too.

        Raises:
            TimeoutError: no frame has ``address`` in its own.
        """
        end = time.monotonic() + TIMEOUT_S
        while True:
            targets = self.command("Target.getTargets")["targetInfos"]
            found = [t for t in targets if t["type"] == "iframe" and address in t["url"]]
            if found:
                break
            if time.monotonic() > end:
                raise TimeoutError(f"there is no frame {address}")
            time.sleep(0.05)
        target = found[-1]["targetId"]
        session = self.command("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]

        def run(script: str) -> Any:
            page, self._session = self._session, session
            try:
                for domain in ("Runtime", "Log"):
                    self.command(f"{domain}.enable")
                return self.run(script)
            finally:
                self._session = page

        return run

    def wait(self, script: str, timeout_s: float = 20.0) -> Any:
        """Wait until an expression is true, and return its value.

        Raises:
            TimeoutError: it stays false.
        """
        end = time.monotonic() + timeout_s
        while not (value := self.run(script)):
            if time.monotonic() > end:
                raise TimeoutError(f"never true: {script}")
            time.sleep(0.05)
        return value

    def press(self, key: str, *, ctrl: bool = False, shift: bool = False) -> None:
        """Press and release a key."""
        known: dict[str, Any] = {"key": key, "modifiers": _CTRL * ctrl + _SHIFT * shift}
        if key in _CODES:
            known |= {"code": key, "windowsVirtualKeyCode": _CODES[key]}
        else:
            known["text"] = key
        if key == "Enter" and not ctrl:
            known["text"] = "\r"  # without it buttons and forms do not hear of it
        self.command("Input.dispatchKeyEvent", type="keyDown", **known)
        self.command("Input.dispatchKeyEvent", type="keyUp", **known)

    def write(self, text: str) -> None:
        """Write a text where the focus is."""
        self.command("Input.insertText", text=text)

    def point(self, selector: str) -> None:
        """Move the mouse to the middle of the first element that matches."""
        script = f"""(() => {{
            const found = document.querySelector({json.dumps(selector)});
            found.scrollIntoView({{block: "center", inline: "center"}});
            const at = found.getBoundingClientRect();
            return [at.left + at.width / 2, at.top + at.height / 2];
        }})()"""
        x, y = self.run(script)
        self.command("Input.dispatchMouseEvent", type="mouseMoved", x=x, y=y)

    def _next(self) -> dict[str, Any]:
        end = time.monotonic() + TIMEOUT_S
        while b"\0" not in self._buffer:
            ready, _, _ = select.select([self._read], [], [], max(0.0, end - time.monotonic()))
            if not ready:
                raise TimeoutError("the browser does not answer")
            data = os.read(self._read, 1 << 16)
            if not data:
                raise RuntimeError("the browser is gone")
            self._buffer += data
        line, _, self._buffer = self._buffer.partition(b"\0")
        message: dict[str, Any] = json.loads(line)
        self._note(message)
        return message

    def _note(self, message: dict[str, Any]) -> None:
        params = message.get("params", {})
        match message.get("method"):
            case "Page.loadEventFired":
                self._loaded = True
            case "Runtime.exceptionThrown":
                self.problems.append(str(params["exceptionDetails"]))
            case "Runtime.consoleAPICalled":
                self.problems.append(str(params["args"]))
            case "Log.entryAdded":
                self.problems.append(str(params["entry"]["text"]))
