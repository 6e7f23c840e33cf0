"""The backends of SGLang's names, and where they lead when a script is run elsewhere."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from typing import Any

from sglc.backends import backend as backends
from sglc.backends.endpoint import RuntimeEndpoint as OwnEndpoint
from sglc.backends.engine import Engine as OwnEngine


class Redirection:
    """Where ``RuntimeEndpoint`` and ``Runtime`` lead: to one backend, made when first asked for."""

    def __init__(self) -> None:
        self._make: Callable[[], OwnEngine | OwnEndpoint] | None = None
        self._made: OwnEngine | OwnEndpoint | None = None
        self._lock = threading.Lock()  # a script may ask in several threads

    def set(self, make: Callable[[], OwnEngine | OwnEndpoint] | None) -> None:
        """Lead to what ``make`` returns; None: nowhere, so that they mean what they say."""
        self.close()
        self._make = make

    def backend(self) -> OwnEngine | OwnEndpoint | None:
        """Return where they lead; None if nowhere."""
        with self._lock:
            if self._made is None and self._make is not None:
                self._made = self._make()
            return self._made

    def close(self) -> None:
        """Let go of the backend."""
        if self._made is not None:
            self._made.shutdown()
        self._made = None


redirection = Redirection()


def local(
    model: str = "embedded", chat_template: str | None = None, *, random_seed: int = 0
) -> OwnEngine:
    """Return a model in this process that is sent the text that SGLang's server would be sent.

    The template of messages is that of the model's path, unless it is named.

    Raises:
        ModelError: the model cannot be loaded.
        KeyError: there is no such template.
    """
    from sglc.runtime.tokenizer.frontend_templates import get_chat_template_by_model_path

    template = chat_template or get_chat_template_by_model_path(model)
    return OwnEngine(
        model, seam="canonical", template=template, reads_specials=True, random_seed=random_seed
    )


def RuntimeEndpoint(  # SGLang's name
    base_url: str,
    api_key: str | None = None,
    verify: str | None = None,
    chat_template_name: str | None = None,
) -> OwnEngine | OwnEndpoint:
    """Return a server as a backend, or what the script is to be run on instead."""
    elsewhere = redirection.backend()
    if elsewhere is None:
        return OwnEndpoint(base_url, api_key, verify, chat_template_name)
    if chat_template_name is not None:
        from sglc.runtime.tokenizer.frontend_templates import get_chat_template

        elsewhere.chat_template = get_chat_template(chat_template_name)
    return elsewhere


class RedirectedRuntime:
    """A ``Runtime`` that starts no server: ``endpoint`` is what the script is run on."""

    def __init__(self, endpoint: OwnEngine | OwnEndpoint) -> None:
        self.endpoint = endpoint

    def shutdown(self) -> None:
        """Nothing was started; the backend ends with the script."""

    def cache_prefix(self, prefix: str) -> None:
        """Compute a text that prompts will begin with."""
        self.endpoint.cache_prefix(prefix)

    def generate(self, prompt: Any, sampling_params: Any = None, **options: Any) -> str:
        """Return the JSON that a server answers to a prompt or to each of a list.

        Raises:
            RemoteError, RunFailed: it cannot be answered.
        """
        if isinstance(self.endpoint, OwnEngine):
            return json.dumps(self.endpoint.generate(prompt, sampling_params, **options))
        body = {"text": prompt, "sampling_params": sampling_params, **options}
        return json.dumps(self.endpoint.post("/generate", body))

    def encode(self, prompt: Any) -> str:
        """Return the JSON with the embedding of a prompt or of each of a list.

        Raises:
            RemoteError, RunFailed: it cannot be answered.
        """
        if isinstance(self.endpoint, OwnEngine):
            return json.dumps(self.endpoint.encode(prompt))
        return json.dumps(self.endpoint.post("/encode", {"text": prompt}))


def Runtime(*args: Any, **kwargs: Any) -> Any:  # SGLang's name
    """Start a server and return it, or what the script is to be run on instead."""
    elsewhere = redirection.backend()
    if elsewhere is not None:
        return RedirectedRuntime(elsewhere)
    from sglc.backends.server_process import Runtime as OwnRuntime

    if args:
        kwargs = {"log_level": args[0], **kwargs}  # the first argument, in SGLang
    kwargs.setdefault("log_level", "error")
    return OwnRuntime(**kwargs)


def Engine(log_level: str = "error", **kwargs: Any) -> OwnEngine:
    """Return a model in this process, which takes names of special tokens in prompts for those."""
    return OwnEngine(
        kwargs.pop("model_path"), seam="canonical", reads_specials=True, log_level=log_level,
        **kwargs,
    )  # fmt: skip


def flush_cache(backend: Any = None) -> Any:
    """Empty the cache of a backend, or of the default one; False if there is none."""
    found = _backend(backend)
    return False if found is None else found.flush_cache()


def get_server_info(backend: Any = None) -> Any:
    """Return what a backend, or the default one, says of itself; None if there is none."""
    found = _backend(backend)
    return None if found is None else found.get_server_info()


def _backend(backend: Any) -> Any:
    return getattr(backend, "endpoint", backend) or backends.default_backend()
