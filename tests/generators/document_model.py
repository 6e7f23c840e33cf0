"""A deterministic model behind HTTP: it goes on as a document does, in both text dialects."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from generators.scripted_http import Reply


def tokens_of(text: str) -> list[str]:
    """Cut text into words with the space before them, and single characters."""
    return re.findall(r" ?\w+|[\s\S]", text)


@dataclass
class DocumentModel:
    """Writes what stands in ``document`` behind the last place where the prompt's end does.

    ``has_logprobs``: tokens are told. Counts what it is asked as a server bills it.
    """

    document: str
    has_logprobs: bool = True
    input_tokens: int = 0
    output_tokens: int = 0
    requests: int = 0

    def __call__(self, path: str, body: Any) -> Reply:
        """Answer a request that is not streamed, or streamed."""
        if path == "/generate":
            params = body["sampling_params"]
            made = self._write(body["text"], params["max_new_tokens"], params["stop"])
            text, tokens, finish, matched, num_input = made
            reason = {"type": "stop", "matched": matched}
            if finish == "length":
                reason = {"type": "length", "length": len(tokens)}
            meta: dict[str, Any] = {
                "finish_reason": reason,
                "prompt_tokens": num_input,
                "completion_tokens": len(tokens),
                "cached_tokens": 0,
            }
            if body.get("return_logprob") and self.has_logprobs:
                meta["output_token_logprobs"] = [[-0.5, 7, token] for token in tokens]
            whole: Any = {"text": text, "meta_info": meta}
        else:
            made = self._write(body["prompt"], body["max_tokens"], body.get("stop", []))
            text, tokens, finish, matched, num_input = made
            logprobs = None
            if "logprobs" in body and self.has_logprobs:
                logprobs = {"tokens": tokens, "token_logprobs": [-0.5] * len(tokens)}
            told = "length" if finish == "length" else "stop"
            choice = {"index": 0, "text": text, "finish_reason": told, "logprobs": logprobs}
            usage = {"prompt_tokens": num_input, "completion_tokens": len(tokens)}
            whole = {"choices": [choice | {"stop_reason": matched}], "usage": usage}
        return Reply(chunks=[whole, "[DONE]"]) if body.get("stream") else Reply(body=whole)

    def _write(
        self, prompt: str, most: int, stops: list[str]
    ) -> tuple[str, list[str], str, str | None, int]:
        """Return text, tokens, why it ended, the stop text, and how many tokens the prompt has."""
        num_input = len(tokens_of(prompt))
        rest = self.document[len(prompt) :] if self.document.startswith(prompt) else ""
        text, tokens, finish, matched = "", [], "eos", None
        for token in tokens_of(rest):
            if len(tokens) == most:
                finish = "length"
                break
            text += token
            tokens.append(token)
            found = [(text.find(stop), stop) for stop in stops if stop in text]
            if found:
                at, matched = min(found)
                text, finish = text[:at], "stop"
                break
        self.requests += 1
        self.input_tokens += num_input
        self.output_tokens += len(tokens)
        return text, tokens, finish, matched, num_input
