"""Traces for OpenTelemetry: one span per request, named and filled as its conventions say.

What a request has made the model do is on it as attributes of generative AI (``gen_ai.…``): how
many tokens, and never which. A ``traceparent`` of the client makes the span a part of its trace.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sglc.server.operations.context import Served, served

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SpanExporter
    from opentelemetry.trace import Span

_EVERY_MS = 1000  # how long spans are gathered before they are sent
_QUIET: Final = ("/health", "/metrics")
_OPERATIONS: Final = {
    "/generate": "text_completion",
    "/v1/completions": "text_completion",
    "/v1/chat/completions": "chat",
    "/v1/responses": "chat",
    "/v1/messages": "chat",
    "/v1/embeddings": "embeddings",
    "/encode": "embeddings",
    "/classify": "embeddings",
}
_ANOTHER: Final = "invoke_workflow"  # a program


class TracingError(ValueError):
    """Traces cannot be sent; the message says why and what to do."""


class Tracing:
    """Makes spans, and sends them in a thread of their own."""

    def __init__(self, provider: TracerProvider, model_name: str) -> None:
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

        self._provider = provider
        self._tracer = provider.get_tracer("sglc")
        self._propagator = TraceContextTextMapPropagator()
        self.model_name = model_name

    @classmethod
    def to(cls, endpoint: str, model_name: str) -> Tracing:
        """Send spans to an OTLP endpoint over HTTP.

        Raises:
            TracingError: that is no URL, or a package is missing.
        """
        parts = urlsplit(endpoint)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise TracingError(
                f"--otlp-traces-endpoint must be a URL as http://host:4318/v1/traces, "
                f"not {endpoint!r}"
            )
        try:
            from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        except ModuleNotFoundError as error:
            raise TracingError(f"traces need {error.name}: pip install 'sglc[otel]'") from None
        return cls.of(OTLPSpanExporter(endpoint), model_name)

    @classmethod
    def of(cls, exporter: SpanExporter, model_name: str) -> Tracing:
        """Hand spans to an exporter."""
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor

        provider = TracerProvider(
            resource=Resource.create({"service.name": "sglc"}), shutdown_on_exit=False
        )
        provider.add_span_processor(BatchSpanProcessor(exporter, schedule_delay_millis=_EVERY_MS))
        return cls(provider, model_name)

    def begin(self, scope: Scope) -> Span:
        """Begin the span of a request, in the trace that its client names."""
        from opentelemetry.trace import SpanKind

        names = ("traceparent", "tracestate")
        given = [(name.decode("latin-1"), value) for name, value in scope["headers"]]
        carrier = {name: value.decode("latin-1") for name, value in given if name in names}
        return self._tracer.start_span(
            scope["method"],
            context=self._propagator.extract(carrier),
            kind=SpanKind.SERVER,
            attributes={
                "http.request.method": scope["method"],
                "url.path": scope["path"],
                "url.scheme": scope["scheme"],
                "network.protocol.version": scope["http_version"],
            },
        )

    def close(self) -> None:
        """Send what there is, and end; may take as long as a request to the endpoint."""
        self._provider.shutdown()


class TraceRequests:
    """Serves each request within a span; those that only look after the server have none."""

    def __init__(self, app: ASGIApp, tracing: Tracing) -> None:
        self._app = app
        self._tracing = tracing

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request."""
        if scope["type"] != "http" or scope["path"].startswith(_QUIET):
            await self._app(scope, receive, send)
            return
        about, begin = served(), time.monotonic()
        span = self._tracing.begin(scope)
        about.trace_id = f"{span.get_span_context().trace_id:032x}"
        status, first_s = 0, 0.0

        async def noting(message: Message) -> None:
            nonlocal status, first_s
            if message["type"] == "http.response.start":
                status = message["status"]
            elif not first_s:
                first_s = time.monotonic() - begin
            await send(message)

        try:
            await self._app(scope, receive, noting)
        finally:
            _finish(span, scope, about, status)
            _tell_usage(span, about, self._tracing.model_name, first_s)
            span.end()


def _finish(span: Span, scope: Scope, about: Served, status: int) -> None:
    from opentelemetry.trace import StatusCode

    if about.endpoint:
        span.update_name(f"{scope['method']} {about.endpoint}")
        span.set_attribute("http.route", about.endpoint)
    span.set_attribute("sglc.request.id", about.request_id)
    if about.tenant.name:
        span.set_attribute("sglc.tenant", about.tenant.name)
    if status:
        span.set_attribute("http.response.status_code", status)
    if status >= 500 or not status:
        span.set_attribute("error.type", str(status) if status else "disconnected")
        span.set_status(StatusCode.ERROR)


def _tell_usage(span: Span, about: Served, model_name: str, first_s: float) -> None:
    usage = about.usage
    if not usage.num_jobs:
        return
    span.set_attributes(
        {
            "gen_ai.operation.name": _OPERATIONS.get(about.endpoint, _ANOTHER),
            "gen_ai.provider.name": "sglc",
            "gen_ai.request.model": model_name,
            "gen_ai.response.model": model_name,
            "gen_ai.usage.input_tokens": usage.prompt_tokens,
            "gen_ai.usage.cache_read.input_tokens": usage.cached_tokens,
            "gen_ai.usage.output_tokens": usage.completion_tokens,
            "sglc.model_calls": usage.num_jobs,
        }
    )
    if usage.first_token_s is not None:
        span.set_attribute("gen_ai.response.time_to_first_chunk", first_s)
