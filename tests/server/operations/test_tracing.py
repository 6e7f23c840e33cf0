"""Spans: one per request, in the trace of its client, filled as the conventions say."""

from __future__ import annotations

import asyncio
import builtins
from collections.abc import Callable
from typing import Any

import httpx2
import pytest
from generators.collector import Collector, values
from generators.operated import Operated, Wait
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode
from starlette.types import Receive, Scope, Send

from sglc.runtime.core.events import DecodeResult
from sglc.runtime.core.stats import StreamStats
from sglc.server.engine.messages import Finished, Sampled, Written
from sglc.server.operations.config import OperationsConfig
from sglc.server.operations.context import served
from sglc.server.operations.ledger import Ledger
from sglc.server.operations.request_log import RequestLog
from sglc.server.operations.tenant import Tenant
from sglc.server.operations.tracing import TraceRequests, Tracing, TracingError

TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
TRACEPARENT = f"00-{TRACE}-{PARENT}-01"


def spans_of(
    endpoint: str, status: int | None = 200, *, calls: int = 0, streams: bool = False,
    path: str | None = None, traceparent: str = TRACEPARENT,
) -> list[ReadableSpan]:  # fmt: skip
    """The spans of one request to an application that makes so many model calls."""
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        served().endpoint, served().tenant = endpoint, Tenant("alice")
        for number in range(calls):
            account = Ledger(isolates=False).open()
            if streams:
                account.replied(Written(number, 0, "a", (1,)))
            result = DecodeResult("ab", (1, 2), (), "length")
            account.replied(Sampled(number, 0, result, StreamStats(5, 3)))
            account.replied(Finished(number))
            account.ended()
        if status is not None:
            await send({"type": "http.response.start", "status": status, "headers": []})
            await send({"type": "http.response.body", "body": b""})

    async def nothing(message: Any = None) -> Any:
        return {"type": "http.request"}

    stack = RequestLog(TraceRequests(app, Tracing(provider, "m")), OperationsConfig())
    scope = {
        "type": "http", "method": "POST", "path": path or endpoint, "scheme": "http",
        "http_version": "1.1",
        "headers": [(b"traceparent", traceparent.encode()), (b"x-request-id", b"r1")],
    }  # fmt: skip
    asyncio.run(stack(scope, nothing, nothing))
    provider.shutdown()
    return list(exporter.get_finished_spans())


def test_a_span_is_named_by_its_endpoint_and_is_of_the_trace_of_the_client() -> None:
    (span,) = spans_of("/v1/batches/{id}", path="/v1/batches/7")
    assert (span.name, span.kind) == ("POST /v1/batches/{id}", SpanKind.SERVER)
    assert span.context is not None
    assert span.parent is not None
    assert (f"{span.context.trace_id:032x}", f"{span.parent.span_id:016x}") == (TRACE, PARENT)
    assert dict(span.attributes or {}) == {
        "http.request.method": "POST",
        "http.route": "/v1/batches/{id}",
        "http.response.status_code": 200,
        "network.protocol.version": "1.1",
        "url.path": "/v1/batches/7",
        "url.scheme": "http",
        "sglc.request.id": "r1",
        "sglc.tenant": "alice",
    }


@pytest.mark.parametrize(
    ("endpoint", "operation"),
    [
        ("/v1/chat/completions", "chat"),
        ("/generate", "text_completion"),
        ("/v1/embeddings", "embeddings"),
        ("/v1/programs/{id}/run", "invoke_workflow"),
    ],
)
def test_model_calls_are_told_as_generative_ai(endpoint: str, operation: str) -> None:
    (span,) = spans_of(endpoint, calls=2)
    found = {k: v for k, v in (span.attributes or {}).items() if k.startswith("gen_ai.")}
    assert found == {
        "gen_ai.operation.name": operation,
        "gen_ai.provider.name": "sglc",
        "gen_ai.request.model": "m",
        "gen_ai.response.model": "m",
        "gen_ai.usage.input_tokens": 10,
        "gen_ai.usage.cache_read.input_tokens": 6,
        "gen_ai.usage.output_tokens": 4,
    }
    (streamed,) = spans_of(endpoint, calls=1, streams=True)
    assert "gen_ai.response.time_to_first_chunk" in (streamed.attributes or {})


def test_failures_of_the_server_are_errors_and_those_of_clients_are_not() -> None:
    for status, code, kind in ((400, StatusCode.UNSET, None), (503, StatusCode.ERROR, "503")):
        (span,) = spans_of("/generate", status)
        assert (span.status.status_code, (span.attributes or {}).get("error.type")) == (code, kind)
    (span,) = spans_of("/generate", None)
    assert (span.attributes or {})["error.type"] == "disconnected"


@pytest.mark.parametrize("given", ["", "00-0-0-01", "nonsense", f"00-{'0' * 32}-{PARENT}-01"])
def test_a_wrong_traceparent_begins_a_trace(given: str) -> None:
    (span,) = spans_of("/generate", traceparent=given)
    assert span.parent is None


def test_what_looks_after_the_server_is_not_traced() -> None:
    assert spans_of("/health") == spans_of("/metrics") == []


def test_without_the_package_it_says_which(monkeypatch: pytest.MonkeyPatch) -> None:
    original: Callable[..., Any] = builtins.__import__

    def without(name: str, *args: Any) -> Any:
        if name.startswith("opentelemetry.exporter"):
            raise ModuleNotFoundError(f"no {name}", name="opentelemetry.exporter")
        return original(name, *args)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(TracingError, match=r"pip install 'sglc\[otel\]'"):
        Tracing.to("http://127.0.0.1:4318/v1/traces", "m")


def test_an_endpoint_that_is_no_url_is_refused() -> None:
    with pytest.raises(TracingError, match="--otlp-traces-endpoint must be a URL"):
        Tracing.to("localhost:4317", "m")


def test_a_server_sends_its_spans(
    operated: Operated, alice: httpx2.Client, collector: Collector, eventually: Wait
) -> None:
    body = {"text": "One two", "sampling_params": {"max_new_tokens": 3, "ignore_eos": True}}
    trace = "1" * 31 + "2"
    headers = {"traceparent": f"00-{trace}-{PARENT}-01"}
    reply = alice.post("/generate", json=body, headers=headers)

    def found() -> list[tuple[Any, dict[str, Any]]]:
        return [(s, about) for s, about in collector.spans if s.trace_id.hex() == trace]

    eventually(lambda: len(found()) == 1)
    ((span, about),) = found()
    attributes = values(span.attributes)
    assert (span.name, about["service.name"]) == ("POST /generate", "sglc")
    assert attributes["gen_ai.usage.output_tokens"] == 3
    assert attributes["sglc.request.id"] == reply.headers["x-request-id"]
    (record,) = operated.log_of(reply.headers["x-request-id"])
    assert record["trace_id"] == trace
