"""The cost model: its formulas, its fit, and files that hold it."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sglc.compiler.cost.calibration import (
    CONSTANTS,
    UNCALIBRATED,
    Calibration,
    CalibrationError,
    from_data,
)
from sglc.compiler.cost.fit import fit_line
from sglc.compiler.cost.store import load, path_of, read, save

MODEL = Calibration(
    prefill_s=4, prefill_token_s=0.5, step_s=2, step_stream_s=0.25, call_s=1, model="m", machine="x"
)
_times = st.floats(0, 1e6, allow_nan=False)


def test_what_is_cached_is_not_paid_for() -> None:
    assert MODEL.prefill(10) == 9
    assert MODEL.prefill(10, cached=8) == 5
    assert MODEL.prefill(10, cached=12) == 4


def test_streams_of_a_step_share_its_base() -> None:
    assert MODEL.step(4) == 3
    assert MODEL.decode(10, num_streams=4) == 30
    assert MODEL.decode(10) == 22.5


def test_the_default_says_that_it_is_no_measurement() -> None:
    assert not UNCALIBRATED.is_calibrated
    assert MODEL.is_calibrated


@pytest.mark.parametrize("value", [-1e-9, math.inf, math.nan, "fast", True, None])
def test_a_constant_is_a_time(value: object) -> None:
    data = {**MODEL.to_data(), "step_s": value}
    with pytest.raises(CalibrationError, match="step_s must be a time of 0 s or more"):
        from_data(data)


@given(base=_times, slope=_times)
def test_a_line_is_found_again(base: float, slope: float) -> None:
    line = fit_line([(x, base + slope * x) for x in (1, 2, 5, 9)])
    assert line.base == pytest.approx(base, rel=1e-6, abs=1e-6 * (slope + 1))
    assert line.slope == pytest.approx(slope, rel=1e-6, abs=1e-6 * (base + 1))
    assert line.residual < 1e-6


@given(st.lists(st.tuples(st.integers(1, 100), _times), min_size=2, max_size=9))
def test_no_part_of_a_line_is_negative(points: list[tuple[int, float]]) -> None:
    if len({x for x, _ in points}) < 2:
        return
    line = fit_line(points)
    assert line.base >= 0
    assert line.slope >= 0


def test_what_is_left_is_relative() -> None:
    line = fit_line([(0, 10), (1, 20), (2, 36)])
    assert line[:2] == (9, 13)
    assert line.worst == pytest.approx(2 / 20)
    assert line.residual == pytest.approx(math.sqrt((1 + 4 + 1) / 3) / 22)


@pytest.mark.parametrize("points", [[], [(1, 1)], [(1, 1), (1, 2)], [(1, math.nan), (2, 1)]])
def test_a_line_needs_points(points: list[tuple[float, float]]) -> None:
    with pytest.raises(ValueError, match="a line needs"):
        fit_line(points)


def test_each_machine_and_model_has_a_file(tmp_path: Path) -> None:
    assert load(tmp_path, "m", "x") is None
    path = save(tmp_path, MODEL)
    assert path == path_of(tmp_path, "m", "x")
    assert load(tmp_path, "m", "x") == MODEL
    assert load(tmp_path, "m", "y") is None
    assert [p.name for p in path.parent.iterdir()] == [path.name]


def _without(name: str) -> str:
    return json.dumps({key: value for key, value in MODEL.to_data().items() if key != name})


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{", "not JSON"),
        ("[]", "is an object"),
        ("{}", "its version is None, not 1"),
        (json.dumps({**MODEL.to_data(), "version": 2}), "its version is 2"),
        (_without("call_s"), "it has no 'call_s'"),
        (json.dumps({**MODEL.to_data(), "speed": 1}), "'speed'"),
        (json.dumps({**MODEL.to_data(), "model": 1}), "model must be a text"),
    ],
)
def test_a_file_of_something_else_is_refused_by_name(
    tmp_path: Path, text: str, reason: str
) -> None:
    path = tmp_path / "c.json"
    path.write_text(text)
    with pytest.raises(CalibrationError, match=reason) as caught:
        read(path)
    assert str(path) in str(caught.value)


def test_a_file_that_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(CalibrationError, match=r"no\.json: No such file"):
        read(tmp_path / "no.json")


def test_every_constant_is_written() -> None:
    assert set(CONSTANTS) <= MODEL.to_data().keys()
    assert from_data(MODEL.to_data()) == MODEL
