"""What calls ask of the backend, and why some cannot be asked."""

from __future__ import annotations

from collections.abc import Container, Hashable, Sequence
from typing import NamedTuple

from sglc.compiler.plan.select import SelectError
from sglc.runtime.core.script import StreamRequest
from sglc.runtime.executor.compile_process import ConstraintError
from sglc.runtime.executor.errors import OpError
from sglc.runtime.executor.modelcall import ModelCall
from sglc.runtime.executor.run import Run


class CallRequest(NamedTuple):
    """Request ``number`` of a call; calls with one ``key`` may share a stream."""

    call: ModelCall
    number: int
    request: StreamRequest
    key: Hashable | None


def as_op_error(error: OpError | ValueError) -> OpError:
    """Return why a call cannot be asked, as the error of its node."""
    if isinstance(error, OpError):
        return error
    is_option = isinstance(error, SelectError | ConstraintError)
    return OpError("option" if is_option else "model", str(error))


def without(
    calls: Sequence[ModelCall], runs: Container[Run]
) -> tuple[list[ModelCall], list[ModelCall]]:
    """Return the calls of other runs, and those of these runs."""
    left = [call for call in calls if call.frame.run not in runs]
    return left, [call for call in calls if call.frame.run in runs]
