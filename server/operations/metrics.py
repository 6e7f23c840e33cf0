"""Metrics in Prometheus' text, under SGLang's names; what it has no name for begins with ``sglc:``.

What is counted here is counted where requests come in, so it goes on over restarts of the engine.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, disable_created_metrics
from prometheus_client.exposition import generate_latest

from sglc.server.operations.lives import Lives, Pace

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"

_FIRST_S = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 0.75, 1, 2, 5, 10, 20, 30, 60)
_TOKEN_S = (0.001, 0.0025, 0.005, 0.01, 0.015, 0.02, 0.03, 0.05, 0.075, 0.1, 0.2, 0.5, 1)
_REQUEST_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300)

# Counters of the engine: its name for each, ours, and what it is.
_ENGINE_COUNTERS = (
    ("forward_passes", "sglc:forward_passes", "Forward passes of the model."),
    ("prefilled_tokens", "sglc:prefilled_tokens", "Tokens computed as prompts."),
    ("cached_tokens", "sglc:cache_hit_tokens", "Tokens of prompts found in the cache."),
    ("decoded_tokens", "sglc:decoded_tokens", "Tokens sampled."),
    ("forced_tokens", "sglc:forced_tokens", "Tokens that a constraint forced, not sampled."),
    ("evicted_tokens", "sglc:evicted_tokens", "Tokens evicted from the cache."),
    ("preemptions", "sglc:preemptions", "Streams that lost their place to others."),
)


class Metrics:
    """The metrics of one server, in a registry of their own."""

    def __init__(self, model_name: str) -> None:
        # the time of the first count: a series more for each
        disable_created_metrics()  # type: ignore[no-untyped-call]  # it has no annotations
        self.registry = registry = CollectorRegistry()
        self._lives = Lives()
        self._num_restarts = 0
        self._pace = Pace()

        def gauge(name: str, what: str) -> Gauge:
            return Gauge(name, what, ["model_name"], registry=registry).labels(model_name)

        def counter(name: str, what: str) -> Counter:
            return Counter(name, what, ["model_name"], registry=registry).labels(model_name)

        def histogram(name: str, what: str, buckets: tuple[float, ...]) -> Histogram:
            made = Histogram(name, what, ["model_name"], buckets=buckets, registry=registry)
            return made.labels(model_name)

        self._running = gauge("sglang:num_running_reqs", "Streams that run.")
        self._queued = gauge("sglang:num_queue_reqs", "Streams that wait.")
        self._used = gauge(
            "sglang:num_used_tokens", "KV slots in use, without what is only cached."
        )
        self._usage = gauge("sglang:token_usage", "The part of the KV slots that is in use.")
        self._throughput = gauge(
            "sglang:gen_throughput", "Generated tokens a second, over the last seconds."
        )
        self._hit_rate = gauge(
            "sglang:cache_hit_rate", "The part of all tokens of prompts that was in the cache."
        )
        self._is_up = gauge("sglc:engine_up", "Whether the engine answers.")
        self._restarts = counter("sglc:engine_restarts", "How often the engine was started again.")
        self._engine = {name: counter(ours, what) for name, ours, what in _ENGINE_COUNTERS}
        self.requests = counter("sglang:num_requests", "Model calls that are complete.")
        self.aborted = counter("sglang:num_aborted_requests", "Model calls that are not.")
        self.prompt_tokens = counter("sglang:prompt_tokens", "Tokens of prompts.")
        self.cached_tokens = counter("sglang:cached_tokens", "Tokens of prompts that were cached.")
        self.generation_tokens = counter("sglang:generation_tokens", "Generated tokens.")
        self.first_token_s = histogram(
            "sglang:time_to_first_token_seconds", "Until the first text of a stream.", _FIRST_S
        )
        self.token_s = histogram(
            "sglang:time_per_output_token_seconds", "Each token after it, on average.", _TOKEN_S
        )
        self.job_s = histogram(
            "sglang:e2e_request_latency_seconds", "All of a model call.", _REQUEST_S
        )
        self._func_s = Histogram(
            "sglang:func_latency_seconds",
            "All of a request, by its endpoint.",
            ["model_name", "name"],
            buckets=_REQUEST_S,
            registry=registry,
        )
        self._http = Counter(
            "sglc:http_requests",
            "Requests by their endpoint and how they ended.",
            ["model_name", "name", "status"],
            registry=registry,
        )
        self._model_name = model_name

    def served(self, name: str, status: int, took_s: float) -> None:
        """Count a request; ``name`` is the path of its endpoint, as it is declared."""
        self._func_s.labels(self._model_name, name).observe(took_s)
        self._http.labels(self._model_name, name, str(status)).inc()

    def observe_engine(self, stats: Mapping[str, Any], num_restarts: int, now: float) -> None:
        """Take over what the engine says of itself; it counts anew after each restart."""
        self._is_up.set(1)
        total = stats["held_slots"] + stats["cached_slots"] + stats["free_slots"]
        used = total - stats["available_slots"]
        self._running.set(stats["running"])
        self._queued.set(stats["waiting"])
        self._used.set(used)
        self._usage.set(used / total if total else 0.0)
        counters: Mapping[str, int] = stats["counters"]
        seen = counters["cached_tokens"] + counters["prefilled_tokens"]
        self._hit_rate.set(counters["cached_tokens"] / seen if seen else 0.0)
        for name, more in self._lives.added(counters, num_restarts).items():
            if name in self._engine:
                self._engine[name].inc(more)
        self._restarts.inc(num_restarts - self._num_restarts)
        self._num_restarts = num_restarts
        generated = self._lives.sum("decoded_tokens") + self._lives.sum("forced_tokens")
        self._throughput.set(self._pace.of(now, generated))

    def miss_engine(self) -> None:
        """Take down that the engine is not there."""
        for each in (self._is_up, self._running, self._queued, self._used, self._usage):
            each.set(0)
        self._throughput.set(0)

    def text(self) -> bytes:
        """Return all of them in the text format."""
        return generate_latest(self.registry)
