"""What a server bills, and what that costs."""

from __future__ import annotations

import pytest

from sglc.runtime.remote.usage import Meter, Price, Usage


def test_cached_tokens_have_a_price_of_their_own() -> None:
    usage = Usage(input_tokens=3_000_000, cached_tokens=1_000_000, output_tokens=500_000)
    assert usage.cost(Price(input=2.0, output=8.0)) == pytest.approx(10.0)
    assert usage.cost(Price(input=2.0, output=8.0, cached=0.5)) == pytest.approx(8.5)


def test_what_was_used_since() -> None:
    meter = Meter()
    meter.add(requests=1, input_tokens=10)
    before = meter.usage
    meter.add(requests=2, input_tokens=5, output_tokens=7)
    assert meter.usage - before == Usage(requests=2, input_tokens=5, output_tokens=7)


def test_there_is_no_count_of_another_name() -> None:
    with pytest.raises(KeyError):
        Meter().add(tokens=1)
