"""What is kept of a run that is over: what it said, and nothing of what it was asked."""

from __future__ import annotations

from generators.fake_runs import TEXT, ended_run


def test_arguments_are_let_go_of() -> None:
    for is_batch in (False, True):
        run = ended_run([{"x": "a" * 1000}], is_batch=is_batch)
        assert run.status == "completed"
        assert not run.options.rows
        assert not run.captures
        assert TEXT in str(run.to_data())


def test_results_count_beside_the_events_that_told_them() -> None:
    one = ended_run([{}], is_batch=False)
    assert one.num_bytes >= one.events.num_bytes + 2 * len(TEXT)  # its value and its capture
    many = ended_run([{}] * 5, is_batch=True)
    assert many.num_bytes >= many.events.num_bytes + 5 * 2 * len(TEXT)
