"""One prompt over many rows: as many runs at once as the engine has use for, no thread per row."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from sglc.runs.mailbox import Mailbox

if TYPE_CHECKING:
    from sglc.backends.backend import Backend
    from sglc.files.loaded import LoadedPrompt
    from sglc.files.plan_run import PlanRun
    from sglc.files.results import ProgramResult


def batch(
    prompt: LoadedPrompt,
    rows: Sequence[Mapping[str, Any]],
    backend: Backend,
    *,
    seed: int,
    window: int,
    has_progress: bool,
) -> Iterator[tuple[int, ProgramResult]]:
    """Yield (number of the row, result) as each is done; what is left when it is closed stops.

    The number of a row takes part in the seeds of its samples, its place in time does not. Rows
    begin in the order in which their prompts share most.
    """
    progress = None
    if has_progress:
        from sglc.runs.progress import Progress

        progress = Progress(len(rows))
    waiting = _in_order(prompt, rows, backend)
    ended: Mailbox[int] = Mailbox()
    running: dict[int, PlanRun] = {}
    num_done = 0
    try:
        while num_done < len(rows):
            while len(running) < window and (number := next(waiting, None)) is not None:
                run = prompt.begin(rows[number], backend, seed=seed, instance=number)
                running[number] = run
                run.over.tell(lambda number=number: ended.put(number))  # type: ignore[misc]
            number = ended.get()
            num_done += 1
            if progress is not None:
                progress.show(num_done)
            yield number, prompt.result(running.pop(number))
    finally:
        for run in running.values():
            run.cancel()
        if progress is not None:
            progress.close(num_done)


def _in_order(
    prompt: LoadedPrompt, rows: Sequence[Mapping[str, Any]], backend: Backend
) -> Iterator[int]:
    from sglc.runtime.executor.ordering import ordered

    plan = prompt.plan()
    if not plan.hints.get("order_rows"):
        return iter(range(len(rows)))
    return (row.number for row in ordered(plan, enumerate(rows), backend.encoder))
