"""Requests that a server must refuse, with the status and what its message has to name."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

HUGE = 10**400
JSON = {"content-type": "application/json"}


@dataclass(frozen=True, slots=True)
class Malformed:
    """One request; ``says`` are words that the message of its refusal has."""

    path: str
    content: bytes
    says: Sequence[str]
    status: int = 400
    method: str = "POST"
    headers: Mapping[str, str] = field(default_factory=lambda: JSON)


VALID: dict[str, dict[str, Any]] = {
    "/generate": {"text": "a", "sampling_params": {"max_new_tokens": 2}},
    "/encode": {"text": "a"},
    "/tokenize": {"prompt": "a"},
    "/detokenize": {"tokens": [1]},
    "/v1/completions": {"model": "m", "prompt": "a", "max_tokens": 2},
    "/v1/chat/completions": {
        "model": "m", "messages": [{"role": "user", "content": "a"}], "max_tokens": 2
    },
    "/v1/responses": {"model": "m", "input": "a", "max_output_tokens": 2},
    "/v1/messages": {
        "model": "m", "max_tokens": 2, "messages": [{"role": "user", "content": "a"}]
    },
    "/v1/embeddings": {"model": "m", "input": "a"},
    "/v1/score": {"query": "a", "items": ["b"], "label_token_ids": [1]},
    "/v1/batches": {
        "input_file_id": "file-0", "endpoint": "/v1/completions", "completion_window": "24h"
    },
    "/v1/programs": {"source": "prompt main() -> int:\n    return 1\n"},
}  # fmt: skip
"""A body of each path that is right, but for what it refers to."""

_DEEP = json.loads("[" * 190 + "]" * 190)
_PARAMS: list[tuple[str, Any, str]] = [
    *((name, wrong, name) for name in ("temperature", "top_p", "min_p", "repetition_penalty",
       "frequency_penalty", "presence_penalty") for wrong in ("1", True, [], -3, HUGE)),
    ("top_k", 0, "top_k"), ("top_k", 1.5, "top_k"), ("top_k", True, "top_k"),
    ("top_k", -2, "top_k"),
    ("stop", ["x"] * 10_000 + [1], "stop"), ("stop", [str(i) for i in range(10_000)], "128"),
    ("stop", "", "stop"), ("stop", ["a" * 5000], "4096"), ("stop", 1, "stop"),
    ("stop", {}, "stop"),
    ("stop_token_ids", [10**6], "stop_token_ids"), ("stop_token_ids", [-1], "stop_token_ids"),
    ("stop_token_ids", [True], "stop_token_ids"), ("stop_token_ids", [1.0], "stop_token_ids"),
    ("logit_bias", {"999999": 1}, "999999"), ("logit_bias", {"-1": 1}, "logit_bias"),
    ("logit_bias", {"a": 1}, "logit_bias"), ("logit_bias", {"1": 101}, "logit_bias"),
    ("logit_bias", {"1": "2"}, "logit_bias"), ("logit_bias", [1], "logit_bias"),
    ("logit_bias", {"١": 1}, "logit_bias"),
    ("n", 10**6, "n"), ("n", 0, "n"), ("n", -1, "n"), ("n", True, "n"), ("n", 1.0, "n"),
    ("n", HUGE, "n"),
    ("regex", "(", "regex"), ("regex", 1, "regex"), ("regex", "a" * 10 + "\\", "regex"),
    ("regex", "(?=a)b", "regex"), ("ebnf", "x", "ebnf"),
    ("ebnf", 'a ::= "b"', "ebnf"), ("ignore_eos", 1, "ignore_eos"), ("nix", 1, "nix"),
]  # fmt: skip
"""Fields of sampling with a wrong value, and what the message names."""

_FIELDS: dict[str, list[tuple[str, Any, str]]] = {
    "/generate": [
        ("text", 1, "text"), ("text", None, "text"), ("text", [None], "text"),
        ("text", "a" * 4000, "context of 40"), ("text", {}, "text"),
        ("text", ["a"] * 10_000, "text"),
        ("input_ids", [1], "input_ids"), ("rid", 1, "rid"), ("rid", ["a", "b"], "rid"),
        ("return_logprob", 1, "return_logprob"), ("top_logprobs_num", 10**6, "top_logprobs_num"),
        ("top_logprobs_num", -1, "top_logprobs_num"),
        ("stream", "yes", "stream"), ("image_data", "x", "text only"), ("lora_path", "x", "LoRA"),
        ("session_params", {"id": 1}, "session_params"), ("sampling_params", [], "sampling_params"),
        ("sampling_params", 1, "sampling_params"), ("custom_logit_processor", "x", "not run"),
    ],
    "/encode": [
        ("text", 1, "text"), ("input_ids", [1], "input_ids"), ("text", "a" * 4000, "context"),
        ("sampling_params", {"n": 2}, "sampling_params"), ("nix", 1, "nix"),
    ],
    "/tokenize": [("prompt", 1, "prompt"), ("prompt", [[]], "prompt"), ("nix", 1, "nix"),
                  ("prompt", "a" * 10_000, "context of 40"), ("prompt", ["a"] * 10_000, "context")],
    "/detokenize": [
        ("tokens", [10**9], "tokens"), ("tokens", [-1], "tokens"), ("tokens", ["a"], "tokens"),
        ("tokens", [HUGE], "tokens"), ("tokens", [[1], 1], "tokens"), ("tokens", [True], "tokens"),
    ],
    "/v1/completions": [
        ("prompt", "a " * 4000, "context of 40"), ("prompt", [10**9], "prompt"),
        ("prompt", "a" * 10**6, "1000000 characters"), ("prompt", [1] * 10**6, "1000000 tokens"),
        ("prompt", [], "prompt"), ("prompt", None, "prompt"), ("prompt", [["a"]], "prompt"),
        ("prompt", [1.5], "prompt"), ("max_tokens", -1, "max_tokens"),
        ("max_tokens", "5", "max_tokens"), ("max_tokens", 1.5, "max_tokens"),
        ("best_of", 10**6, "best_of"), ("logprobs", 99, "logprobs"), ("suffix", "a", "suffix"),
        ("echo", 1, "echo"), ("json_schema", "{", "json_schema"), ("seed", HUGE, "seed"),
        ("json_schema", "[" * 100_000, "json_schema"), ("model", 1, "model"),
        ("json_schema", '{"type": "nix"}', "json_schema"), ("json_schema", "1", "json_schema"),
        ("json_schema", {"enum": ["a" * 10] * 100_000}, str(1 << 20)),
        ("json_schema", " " * (1 << 21), str(1 << 20)),
        ("ebnf", "root ::= " + '"a" ' * 20_000, str(1 << 16)), ("regex", "a" * 300_000, "250000"),
        ("metadata", {str(i): "a" for i in range(17)}, "metadata"), ("store", True, "store"),
        ("model", "a" * 2000, "model"), ("stream_options", {"nix": 1}, "stream_options"),
        ("stream_options", {"include_usage": True}, "stream_options"), ("user", 1, "user"),
    ],
    "/v1/chat/completions": [
        ("messages", [], "messages"), ("messages", None, "messages"), ("messages", "a", "messages"),
        ("messages", [{"role": "nix", "content": "a"}], "messages[0].role"),
        ("messages", [{"role": "user", "content": 1}], "messages[0].content"),
        ("messages", [{"role": "user", "content": "a", "nix": 1}], "messages[0].nix"),
        ("messages", [{"role": "user", "content": [{"type": "image_url"}]}], "messages[0].content"),
        ("messages", [{"role": "user", "content": [{"type": []}]}], "messages[0].content"),
        ("messages", [{"role": "user", "content": "a" * 4000}], "context of 40"),
        ("messages", [{"role": "user", "content": "a"}] * 20_000, "messages"),
        ("messages", [{"role": "assistant", "tool_calls": [{}]}], "messages[0].tool_calls"),
        ("max_tokens", 0, "max_tokens"), ("max_completion_tokens", -1, "max_completion_tokens"),
        ("max_completion_tokens", 1, "exclude each other"), ("top_logprobs", 3, "top_logprobs"),
        ("top_logprobs", 10**6, "top_logprobs"), ("modalities", ["audio"], "modalities"),
        ("tools", [{}], "tools[0]"), ("tools", [{"type": "function"}] * 200, "tools"),
        ("tools", [{"type": "function", "function": {"name": "a b"}}], "tools[0].function.name"),
        ("tool_choice", "required", "tool_choice"), ("tool_choice", [], "tool_choice"),
        ("response_format", {"type": "json_schema"}, "response_format"),
        ("response_format", {"type": "nix"}, "response_format.type"),
        ("response_format", {"type": "json_schema", "json_schema": {"name": "a", "schema":
            {"$ref": "https://example.com/x"}}}, "response_format"),
        ("response_format", {"type": "json_schema", "json_schema": {"name": "a", "schema":
            {"type": "object", "required": _DEEP}}}, "response_format"),
        ("chat_template_kwargs", 1, "chat_template_kwargs"), ("metadata", {"a": 1}, "metadata"),
    ],
    "/v1/responses": [
        ("input", None, "input"), ("input", [], "input"), ("input", [{"type": {}}], "input"),
        ("input", [{"role": "user", "content": [{"type": {}}]}], "input[0].content"),
        ("input", [{"role": "user", "content": [1]}], "input[0].content"),
        ("input", [{"type": "nix"}], "input"), ("store", True, "store"), ("store", 0, "store"),
        ("background", True, "background"), ("max_output_tokens", 0, "max_output_tokens"),
        ("previous_response_id", "a", "previous_response_id"), ("include", ["a"], "include"),
        ("text", {"format": {"type": "json_schema"}}, "text.format"), ("tools", [1], "tools[0]"),
        ("input", "a" * 4000, "context of 40"), ("truncation", "auto", "truncation"),
        ("temperature", 3, "temperature"), ("tool_choice", {"type": "x"}, "tool_choice"),
    ],
    "/v1/messages": [
        ("max_tokens", None, "max_tokens"), ("max_tokens", -1, "max_tokens"),
        ("max_tokens", True, "max_tokens"), ("messages", [], "messages"), ("model", None, "model"),
        ("messages", [{"role": "tool", "content": "a"}], "messages[0].role"),
        ("messages", [{"role": "user", "content": [{"type": "image"}]}], "messages[0].content"),
        ("messages", [{"role": "user", "content": [{"type": {}}]}], "messages[0].content"),
        ("messages", [{"role": "user", "content": "a" * 4000}], "context of 40"),
        ("temperature", 1.5, "temperature"), ("top_k", 0, "top_k"), ("top_p", 0, "top_p"),
        ("stop_sequences", [""], "stop_sequences"), ("stop_sequences", ["a"] * 9 + [1], "stop_seq"),
        ("stop_sequences", [str(i) for i in range(10_000)], "128"), ("system", 1, "system"),
        ("thinking", {"type": "enabled"}, "thinking"), ("tools", [{"name": "a"}], "tools[0]"),
        ("tool_choice", {"type": "any"}, "tool_choice"), ("metadata", {"nix": 1}, "metadata.nix"),
        ("nix", 1, "nix"), ("stream", 1, "stream"),
    ],
    "/v1/embeddings": [
        ("input", None, "input"), ("input", [], "input"), ("input", "a" * 4000, "context"),
        ("input", [10**9], "input"), ("encoding_format", "x", "encoding_format"),
        ("dimensions", 5, "dimensions"), ("input", ["a"] * 10_000, "input"),
    ],
    "/v1/score": [
        ("label_token_ids", [10**9], "label_token_ids"), ("label_token_ids", [], "label_token_ids"),
        ("items", 1, "items"), ("query", None, "query"), ("apply_softmax", 1, "apply_softmax"),
    ],
    "/v1/batches": [
        ("input_file_id", 1, "input_file_id"), ("endpoint", "/nix", "endpoint"),
        ("completion_window", "1h", "completion_window"), ("metadata", {"a" * 65: "a"}, "metadata"),
        ("metadata", {"a": "a" * 513}, "metadata"), ("nix", 1, "nix"),
    ],
    "/v1/programs": [
        ("source", 1, "source"), ("source", None, "source"), ("ir", "a", "ir"),
        ("ir", "[" * 100_000, "ir"), ("level", 3, "level"), ("level", True, "level"),
        ("entry", 1, "entry"),
        ("known", [], "known"), ("nix", 1, "nix"),
    ],
}  # fmt: skip

_TEXT = b'{"text": "a"}'
_RAW: dict[str, Malformed] = {
    "empty": Malformed("/generate", b"", ["JSON"]),
    "a list": Malformed("/v1/completions", b"[]", ["dictionary"]),
    "a text": Malformed("/v1/messages", b'"a"', ["dictionary"]),
    "null": Malformed("/v1/responses", b"null", ["dictionary"]),
    "cut short": Malformed("/v1/chat/completions", b'{"messages": [', ["JSON"]),
    "single quotes": Malformed("/generate", b"{'text': 'a'}", ["JSON"]),
    "not UTF-8": Malformed("/generate", b'{"text": "\xff"}', ["UTF-8"]),
    "UTF-16": Malformed("/generate", '{"text": "a"}'.encode("utf-16"), ["JSON"]),
    "a surrogate": Malformed("/v1/messages", b'{"model": "\\udfff"}', ["half a character"]),
    "NaN": Malformed("/generate", b'{"text": NaN}', ["JSON"]),
    "Infinity": Malformed("/v1/completions", b'{"temperature": Infinity}', ["JSON"]),
    "1e999": Malformed("/v1/completions", b'{"temperature": 1e999}', ["1e999"]),
    "5000 digits": Malformed("/generate", b'{"text": ' + b"1" * 5000 + b"}", ["number"]),
    "deep": Malformed("/generate", b"[" * 10**6, ["200 levels"]),
    "deep objects": Malformed("/v1/messages", b'{"a":' * 5000 + b"1" + b"}" * 5000, ["200 levels"]),
    "a name twice": Malformed("/generate", b'{"text": "a", "text": "b"}', ["twice", "text"]),
    "a name twice, inside": Malformed(
        "/v1/completions", b'{"prompt": "a", "logit_bias": {"1": 1, "1": 2}}', ["twice"]
    ),
    "too large": Malformed("/generate", b" " * (33 << 20), [str(32 << 20)], 413),
    "no such path": Malformed("/nix", _TEXT, ["/nix"], 404),
    "no such path below one": Malformed("/generate/nix", _TEXT, ["/generate/nix"], 404),
    "a slash more": Malformed("/generate/", _TEXT, ["/generate/"], 404),
    "no such method": Malformed("/generate", _TEXT, ["DELETE"], 405, "DELETE"),
    "an invented method": Malformed("/generate", _TEXT, ["HTTP"], 400, "NIX"),
    "GET": Malformed("/v1/completions", b"", ["GET"], 405, "GET"),
    "no such model": Malformed("/v1/models/nix", b"", ["nix"], 404, "GET"),
    "no such run": Malformed("/v1/runs/nix", b"", ["nix"], 404, "GET"),
    "no such program": Malformed("/v1/programs/nix/run", b"{}", ["nix"], 404),
    "no such file": Malformed("/v1/batches", json.dumps(VALID["/v1/batches"]).encode(), ["file-0"],
                              404),
    "a query": Malformed("/v1/files?limit=0", b"", ["limit"], 400, "GET"),
    "a query twice": Malformed("/v1/files?limit=1&limit=2", b"", ["limit"], 400, "GET"),
    "an unknown query": Malformed("/v1/files?nix=1", b"", ["nix"], 400, "GET"),
    "no file": Malformed("/v1/files", b"{}", ["multipart"], 415),
    "plain text": Malformed("/generate", _TEXT, ["application/json"], 415,
                            headers={"content-type": "text/plain"}),
    "XML": Malformed("/v1/completions", b"<a/>", ["application/json"], 415,
                     headers={"content-type": "application/xml"}),
    "a form": Malformed("/v1/messages", b"--a--", ["application/json"], 415,
                        headers={"content-type": "multipart/form-data; boundary=a"}),
    "another charset": Malformed("/generate", _TEXT, ["UTF-8"], 415,
                                 headers={"content-type": "application/json; charset=utf-16"}),
    "compressed": Malformed("/generate", b"\x1f\x8b", ["Content-Encoding"], 415,
                            headers=JSON | {"content-encoding": "gzip"}),
}  # fmt: skip


def malformed() -> Iterator[tuple[str, Malformed]]:
    """Yield all of them, by names that are each there once."""
    yield from _RAW.items()
    for path, fields in _FIELDS.items():
        for at, (name, wrong, says) in enumerate(fields):
            body = VALID[path] | {name: wrong}
            if wrong is None:
                del body[name]
            yield f"{path} {name} {at}", Malformed(path, json.dumps(body).encode(), [says])
    for at, (name, wrong, says) in enumerate(_PARAMS):
        base = VALID["/generate"]
        body = base | {"sampling_params": base["sampling_params"] | {name: wrong}}
        yield f"sampling {name} {at}", Malformed("/generate", json.dumps(body).encode(), [says])
        for path in ("/v1/completions", "/v1/chat/completions"):
            body = VALID[path] | {name: wrong}
            yield f"{path} sampling {name} {at}", Malformed(path, json.dumps(body).encode(), [says])
