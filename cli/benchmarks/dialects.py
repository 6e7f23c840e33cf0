"""How servers are asked for a text of a certain length, and how their replies are read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol

from sglc.cli.benchmarks.prompts import Prompt


@dataclass(slots=True)
class Progress:
    """What a reply has said so far.

    ``num_output`` and ``num_input`` are the server's counts, None until it says them;
    ``is_done``: it says that the text is complete.
    """

    num_output: int | None = None
    num_input: int | None = None
    is_done: bool = False


class Dialect(Protocol):
    """One way to ask."""

    path: str

    def body(self, prompt: Prompt, model: str, *, stream: bool) -> dict[str, Any]:
        """Return the body of a request."""

    def read(self, data: Mapping[str, Any], progress: Progress) -> int:
        """Read a whole reply, or one event of a stream; return how many tokens are new in it.

        Where events have no counts, one with text is taken for one token.

        Raises:
            KeyError, TypeError, IndexError: it has another form.
        """


class Native:
    """SGLang's ``/generate``: events have all the text so far, and its number of tokens."""

    path = "/generate"

    def body(self, prompt: Prompt, model: str, *, stream: bool) -> dict[str, Any]:
        """The prompt is sent as ids, so that the server computes as many as were drawn."""
        params = {"temperature": 0.0, "max_new_tokens": prompt.num_output, "ignore_eos": True}
        return {"input_ids": list(prompt.ids), "sampling_params": params, "stream": stream}

    def read(self, data: Mapping[str, Any], progress: Progress) -> int:
        """The last event is the one with a reason to finish."""
        meta = data["meta_info"]
        before = progress.num_output or 0
        progress.num_output = int(meta["completion_tokens"])
        progress.num_input = int(meta["prompt_tokens"])
        progress.is_done = meta.get("finish_reason") is not None
        return progress.num_output - before


class Completions:
    """OpenAI's ``/v1/completions``; usage comes in the last event.

    ``ignores_end``: the server knows ``ignore_eos``, as SGLang and vLLM do.
    """

    path = "/v1/completions"

    def __init__(self, *, ignores_end: bool) -> None:
        self._ignores_end = ignores_end

    def body(self, prompt: Prompt, model: str, *, stream: bool) -> dict[str, Any]:
        """The prompt is sent as ids, so that the server computes as many as were drawn."""
        body: dict[str, Any] = {
            "model": model,
            "prompt": list(prompt.ids),
            "temperature": 0.0,
            "max_tokens": prompt.num_output,
            "stream": stream,
        }
        if self._ignores_end:
            body["ignore_eos"] = True
        if stream:
            body["stream_options"] = {"include_usage": True}
        return body

    def read(self, data: Mapping[str, Any], progress: Progress) -> int:
        """An event without choices has the usage alone."""
        usage = data.get("usage")
        if usage is not None:
            progress.num_output = int(usage["completion_tokens"])
            progress.num_input = int(usage["prompt_tokens"])
        new = 0
        for choice in data["choices"]:
            new += bool(choice["text"])
            progress.is_done |= choice.get("finish_reason") is not None
        return new


DIALECTS: Final[Mapping[str, Dialect]] = {
    "sglang": Native(),
    "sglang-oai": Completions(ignores_end=True),
    "vllm": Completions(ignores_end=True),
    "openai": Completions(ignores_end=False),
}
