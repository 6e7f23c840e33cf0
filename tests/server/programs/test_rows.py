"""Rows of a batch that the engine does not take at once."""

from __future__ import annotations

import pytest
from generators.fake_runs import TEXT, FakeEngine, ended_run

from sglc.server.errors import ApiError
from sglc.server.programs import run as module

AWAY = [ApiError(503, "it is started again", code="engine_down"), ApiError(429, "it is busy")]


@pytest.mark.parametrize("error", AWAY)
def test_one_row_asks_for_all_that_wait(error: ApiError, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_RETRY_S", 0.001)
    engine = FakeEngine([error] * 30)
    run = ended_run([{}] * 20, is_batch=True, engine=engine)
    assert engine.asked == [0] * 30 + [*range(20)]
    assert [each and each["value"] for each in run.results] == [TEXT] * 20


@pytest.mark.parametrize("error", AWAY)
def test_a_single_run_is_refused(error: ApiError) -> None:
    engine = FakeEngine([error])
    run = ended_run([{}], is_batch=False, engine=engine)
    assert engine.asked == [0]
    assert run.failure is error


def test_another_error_is_that_of_its_row() -> None:
    engine = FakeEngine([ApiError(503, "the server is shutting down")])
    run = ended_run([{}] * 3, is_batch=True, engine=engine)
    assert engine.asked == [0, 1, 2]
    assert ["error" in (each or {}) for each in run.results] == [True, False, False]
