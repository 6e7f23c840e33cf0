"""Where a record's text may stop: behind a field and its comma, and nowhere before."""

from __future__ import annotations

import random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from sglc.constraints.automaton import Automaton
from sglc.constraints.checks import has_checks
from sglc.constraints.language import asked_of, language, parse
from sglc.constraints.leading import leading_value, states_behind
from sglc.constraints.types import Field, Int, Record, Str
from tests.constraints.strategies import CONSTRAINTS, random_member

RECORDS = st.lists(CONSTRAINTS, min_size=1, max_size=4).map(
    lambda types: Record(tuple(Field(f"f{i}", t) for i, t in enumerate(types)))
)


@settings(max_examples=150, deadline=None)
@given(RECORDS, st.randoms(use_true_random=False))
def test_the_states_behind_fields_are_reached_by_the_comma_behind_them(
    record: Any, order: random.Random
) -> None:
    machine = language(record)
    assert isinstance(machine, Automaton)
    machines = {each: language(each) for each in asked_of(record)}
    for count in range(1, len(record.fields) + 1):
        done = states_behind(machine, record, count)
        is_cut = count < len(record.fields) and bool(machine.start) and not has_checks(record)
        assert bool(done) == is_cut
        for _ in range(3 * is_cut):
            text = random_member(machine, order)
            states = [machine.run(machine.start, text[:end]) for end in range(len(text) + 1)]
            first = next(at for at, state in enumerate(states) if state in done)
            assert all(state in done for state in states[first:])
            whole = parse(record, text.decode(), machines.__getitem__)
            names = [field.name for field in record.fields[:count]]
            assert leading_value(text[:first].decode(), count) == {n: whole[n] for n in names}
            assert text[:first].endswith(b",")
            assert not machine.accepts(text[: first - 1] + b"}")


def test_behind_the_last_field_there_is_nothing() -> None:
    record = Record((Field("a", Str(chars="[a-z]")), Field("b", Int())))
    machine = language(record)
    assert isinstance(machine, Automaton)
    assert states_behind(machine, record, 1)
    assert not states_behind(machine, record, 2)
    assert not states_behind(Automaton.empty(), record, 1)
