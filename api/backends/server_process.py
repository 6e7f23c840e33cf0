"""``Runtime``: a server in a process of its own, which ends with this one."""

from __future__ import annotations

import atexit
import json
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from sglc.backends.endpoint import RuntimeEndpoint
from sglc.errors import SglcError

if TYPE_CHECKING:
    from sglc.runtime.tokenizer.base import TokenizerLike

READY_S: Final = 600.0
"""How long a server may take to load its model."""
_WRONG_USAGE: Final = 2
_END_S: Final = 30.0
_SHOWN: Final = 2000  # characters of what a server wrote before it ended


class ServerStartError(SglcError):
    """The server did not come up; the message has the end of what it wrote."""


class Runtime:
    """Starts ``sglc serve`` at a free port and waits until it answers.

        runtime = sglc.Runtime(model_path="embedded")
        sglc.set_default_backend(runtime)

    ``args`` are the flags of ``sglc serve`` by SGLang's names, ``tp_size`` as ``--tp-size``.
    ``timeout_s`` is how long the server may take; ``endpoint`` is what runs programs on it. What it
    stores is gone with it unless ``file_storage_pth`` names a folder, which no other server has.

    Raises:
        ServerStartError: its port is taken, it has ended, or does not answer in time.
    """

    def __init__(
        self, model_path: str = "embedded", *, timeout_s: float = READY_S, **args: Any
    ) -> None:
        host = str(args.pop("host", "127.0.0.1"))
        port = _free_port(host, int(args.pop("port", None) or 0))
        self._key = args.get("api_key")
        self._model = (model_path, args.get("tokenizer_path"))
        self.url = f"http://{host}:{port}"
        self.generate_url = f"{self.url}/generate"
        self._folder = tempfile.TemporaryDirectory(prefix="sglc-storage-")
        args.setdefault("file_storage_pth", self._folder.name)
        self._log = tempfile.NamedTemporaryFile(prefix="sglc-serve-", suffix=".log")  # noqa: SIM115
        command = [
            sys.executable, "-m", "sglc.cli.main", "serve", "--model-path", model_path,
            "--host", host, "--port", str(port), *flags_of(args),
        ]  # fmt: skip
        self._process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=self._log, stderr=subprocess.STDOUT
        )
        atexit.register(self.shutdown)
        try:
            self._wait(timeout_s)
            self.endpoint = RuntimeEndpoint(self.url, api_key=self._key)
        except BaseException:
            self.shutdown()
            raise

    @property
    def pid(self) -> int | None:
        """The number of the server's process; None once it is shut down."""
        return None if self._process.poll() is not None else self._process.pid

    def _wait(self, timeout_s: float) -> None:
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline:
            code = self._process.poll()
            if code is not None:
                said = self._said()
                if code == _WRONG_USAGE:  # behind all flags that there are comes what is wrong
                    said = said.rpartition("\n")[2]
                raise ServerStartError(f"the server ended with {code}:\n{said}")
            try:
                with urllib.request.urlopen(f"{self.url}/health", timeout=1):
                    return
            except (urllib.error.URLError, OSError):
                time.sleep(0.05)
        raise ServerStartError(
            f"the server does not answer after {timeout_s:g} s; raise timeout_s if it is still "
            f"loading:\n{self._said()}"
        )

    def _said(self) -> str:
        text = Path(self._log.name).read_text(encoding="utf-8", errors="replace")
        return text[-_SHOWN:].strip() or "it wrote nothing"

    def shutdown(self) -> None:
        """End the server; what runs on it is given up."""
        atexit.unregister(self.shutdown)
        endpoint = self.__dict__.get("endpoint")
        if endpoint is not None:
            endpoint.shutdown()
        if self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(timeout=_END_S)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        self._log.close()
        self._folder.cleanup()

    def __enter__(self) -> Runtime:
        return self

    def __exit__(self, *_: object) -> None:
        self.shutdown()

    def cache_prefix(self, prefix: str) -> None:
        """Have the server compute a text that prompts will begin with."""
        self.endpoint.cache_prefix(prefix)

    def get_tokenizer(self) -> TokenizerLike:
        """Return the tokenizer of the model: ``encode`` and ``decode``.

        Raises:
            ModelError: its files are missing or broken.
        """
        from sglc.runtime.models.files import load_files

        return load_files(*self._model).tokenizer

    def generate(
        self,
        prompt: str | Sequence[str],
        sampling_params: Any = None,
        return_logprob: Any = False,
        logprob_start_len: Any = None,
        top_logprobs_num: Any = None,
        lora_path: Any = None,
    ) -> str:
        """Return the JSON that the server answers to a prompt or to each of a list.

        Raises:
            RemoteError: the server refuses it.
        """
        body = {
            "text": prompt,
            "sampling_params": sampling_params,
            "return_logprob": return_logprob,
            "logprob_start_len": logprob_start_len,
            "top_logprobs_num": top_logprobs_num,
            "lora_path": lora_path,
        }
        given = {name: value for name, value in body.items() if value is not None}
        return json.dumps(self.endpoint.post("/generate", given))

    async def async_generate(self, prompt: str, sampling_params: Any = None) -> AsyncIterator[str]:
        """Yield what the server writes behind a prompt, piece by piece.

        Raises:
            RemoteError: the server refuses it, or dies.
        """
        body: dict[str, Any] = {"text": prompt}
        if sampling_params is not None:
            body["sampling_params"] = sampling_params
        done = 0
        async for event in self.endpoint.events("/generate", {**body, "stream": True}):
            text = event["text"][done:]
            done += len(text)
            if text:
                yield text

    add_request = async_generate

    def encode(self, prompt: Any) -> str:
        """Return the JSON with the embedding of a prompt or of each of a list.

        Raises:
            RemoteError: the server refuses it.
        """
        return json.dumps(self.endpoint.post("/encode", {"text": prompt}))

    async def get_server_info(self) -> dict[str, Any]:
        """Return what the server says of itself."""
        return self.endpoint.get_server_info()


def flags_of(args: dict[str, Any]) -> list[str]:
    """Return arguments as flags; True is a switch, None and False are left out."""
    flags: list[str] = []
    for name, value in args.items():
        if value is None or value is False:
            continue
        flags.append("--" + name.replace("_", "-"))
        if value is not True:
            flags.append(str(value))
    return flags


def _free_port(host: str, wanted: int) -> int:
    """Return a port that nobody listens at, ``wanted`` unless that is 0.

    Raises:
        ServerStartError: it is taken. Whoever listens there would be asked for this server.
    """
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, wanted))
        except OSError as error:
            raise ServerStartError(
                f"port {wanted} of {host} cannot be had ({error.strerror}): give another one, or "
                "none for any that is free"
            ) from None
        return int(probe.getsockname()[1])
