"""A function that is lowered gives what plain Python gives: in the interpreter and when it runs.

`--num-programs` draws more than the suite has time for.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import pytest
from generators.backends import hash_backend
from generators.hash_model import HashModel
from generators.lowerable_functions import programs
from generators.python_modules import module_of
from generators.python_reference import run_reference
from hypothesis import HealthCheck, event, given, settings

from sglc.backends.backend import Backend
from sglc.compiler.interpreter import interpret
from sglc.compiler.python.hosts import boxed, unboxed
from sglc.compiler.python.lower import RETURNED, Lowered, Slot
from sglc.lowered.lowering import Ready
from sglc.program.functions import Function
from sglc.program.gen_options import RUN_DEFAULTS

ARGUMENTS = {"text": "Ask", "number": 2, "words": ["one", "four"]}


@pytest.fixture(scope="module")
def backend() -> Iterator[Backend]:
    with hash_backend(seam="canonical") as made:
        yield made


def seen(state: Any, log: list[Any]) -> tuple[Any, ...]:
    names = sorted(state.variables)
    return (
        repr(state.ret_value),
        state.text(),
        state.messages(),
        {name: state[name] for name in names},
        repr(log),  # each run has classes of its own
    )


def outcome(run: Any, **options: Any) -> tuple[Any, ...]:
    """What is seen of a run, or what it raised and what it had done until then."""
    log: list[Any] = []
    arguments = deepcopy(ARGUMENTS)
    try:
        return seen(run(**arguments, log=log, **options), log)
    except (AssertionError, NameError, TypeError) as error:
        return type(error), str(error), repr(log)


def interpreted(lowered: Lowered, log: list[Any]) -> tuple[Any, ...]:
    """What the reference interpreter says of a lowered function."""
    given = {**deepcopy(ARGUMENTS), "log": log}
    hosts = {host.name: (lambda host=host, **values: host.run(values)) for host in lowered.hosts}
    result = interpret(
        lowered.module,
        lowered.entry,
        {name: boxed(given[name]) for name in lowered.params},
        HashModel(),
        seed=3,
        tools=hosts,
    )
    if result.error is not None:
        assert result.error.__cause__ is not None
        cause = result.error.__cause__
        return type(cause), str(cause), repr(log)
    returns = lowered.returns[result.value["end"]]

    def read(slot: Slot) -> Any:
        return result.value[slot] if isinstance(slot, str) else [read(each) for each in slot]

    variables = {
        name: read(slot)
        for name, slot in sorted(returns.variables.items())
        if not (slot in returns.missing and read(slot) is None)
    }
    value = unboxed(result.value[RETURNED])
    return repr(value), result.text, result.messages, variables, repr(log)


def test_random_functions_give_what_python_gives(
    backend: Backend, request: pytest.FixtureRequest
) -> None:
    reasons: Counter[str] = Counter()
    options = {"temperature": 1.0, "seed": 3, "max_new_tokens": 8}

    @settings(
        max_examples=max(1, request.config.getoption("--num-programs") // 3),
        deadline=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
    )
    @given(programs())
    def check(text: str) -> None:
        def new() -> Function:
            """The function, of a module that nothing has changed so far."""
            main: Function = module_of(text).main
            return main

        main = new()
        expected = outcome(lambda **k: run_reference(main, seam="canonical", **k), **options)
        assert outcome(new().run, backend=backend, level="staged", **options) == expected
        main = new()
        call = main.arranged((), {**ARGUMENTS, "log": []})[0]
        run_options = {**RUN_DEFAULTS, "temperature": 1.0, "max_tokens": 8}
        found = main.lowerings.find(main, call.arguments, run_options, "canonical")
        if not isinstance(found, Ready):
            assert "no valid graph" not in found.reason.text
            reasons[found.reason.text] += 1
            event(found.reason.text)
            return
        reasons["lowered"] += 1
        assert interpreted(found.lowered, []) == expected
        assert outcome(new().run, backend=backend, level="lowered", **options) == expected

    check()
    assert reasons["lowered"] > 0.6 * reasons.total(), reasons
