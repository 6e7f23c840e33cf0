"""Percentiles and sums of known samples."""

from __future__ import annotations

import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sglc.cli.benchmarks.metrics import Outcome, percentile, summary

SECONDS = st.lists(st.floats(min_value=0, max_value=1e6), min_size=1, max_size=50)


@pytest.mark.parametrize(
    ("values", "percent", "expected"),
    [
        ([3.0], 99, 3.0),
        ([1.0, 2.0], 50, 1.5),
        ([4.0, 1.0, 3.0, 2.0], 0, 1.0),
        ([4.0, 1.0, 3.0, 2.0], 100, 4.0),
        ([float(n) for n in range(1, 101)], 99, 99.01),
        ([float(n) for n in range(101)], 99, 99.0),
    ],
)
def test_a_percentile_lies_on_a_line_between_two(
    values: list[float], percent: float, expected: float
) -> None:
    assert percentile(values, percent) == pytest.approx(expected)


@given(SECONDS)
def test_half_lie_below_the_median(values: list[float]) -> None:
    assert percentile(values, 50) == pytest.approx(statistics.median(values))


@given(SECONDS, st.floats(0, 100), st.floats(0, 100))
def test_percentiles_grow(values: list[float], one: float, other: float) -> None:
    low, high = sorted((one, other))
    assert min(values) <= percentile(values, low) <= percentile(values, high) * (1 + 1e-12)
    assert percentile(values, high) <= max(values) * (1 + 1e-12)


@pytest.mark.parametrize(("values", "percent"), [([], 50), ([1.0], -1), ([1.0], 101)])
def test_no_percentile_of_nothing_and_none_out_of_range(
    values: list[float], percent: float
) -> None:
    with pytest.raises(ValueError, match="percent"):
        percentile(values, percent)


def test_failed_requests_count_as_such_alone() -> None:
    found = summary(
        [
            Outcome(10, 3, latency_s=1.0, first_s=0.5, gaps_s=[0.2, 0.3]),
            Outcome(20, 1, latency_s=2.0, first_s=2.0),
            Outcome(99, 99, latency_s=99.0, error="HTTP 500"),
        ],
        duration_s=2.0,
    )
    assert (found["completed"], found["failed"]) == (2, 1)
    assert (found["total_input_tokens"], found["total_output_tokens"]) == (30, 4)
    assert found["request_throughput"] == 1.0
    assert (found["input_throughput"], found["output_throughput"]) == (15.0, 2.0)
    assert found["total_throughput"] == 17.0
    assert found["concurrency"] == 1.5
    assert found["mean_e2e_latency_ms"] == 1500
    assert found["p99_e2e_latency_ms"] == pytest.approx(1990)
    assert found["median_ttft_ms"] == 1250
    assert found["mean_tpot_ms"] == 250  # the second has no token after its first
    assert found["mean_itl_ms"] == 250


def test_times_that_were_not_seen_are_none() -> None:
    found = summary([Outcome(1, 5, latency_s=1.0)], 1.0)
    assert found["mean_ttft_ms"] is found["p99_tpot_ms"] is found["median_itl_ms"] is None
    assert found["mean_e2e_latency_ms"] == 1000
