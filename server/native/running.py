"""Requests that run, by the names their clients gave them, so that they can be aborted."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from sglc.server.engine.job import Job
from sglc.server.errors import bad_request


class Running:
    """Jobs by tenant and name. A job may have several names, one for each sample."""

    def __init__(self) -> None:
        self._jobs: dict[str, dict[str, Job]] = {}

    @contextmanager
    def named(self, tenant: str, names: Sequence[str], job: Job) -> Iterator[None]:
        """Give a job names as long as the block lasts.

        Raises:
            ApiError: 400: a request with one of the names runs.
        """
        jobs = self._jobs.setdefault(tenant, {})
        for name in names:
            if name in jobs:
                raise bad_request(f"a request with the rid {name!r} is running", "rid")
        jobs.update(dict.fromkeys(names, job))
        try:
            yield
        finally:
            for name in names:
                del jobs[name]
            if not jobs:
                self._jobs.pop(tenant, None)

    def abort(self, tenant: str, name: str) -> int:
        """End the jobs of a request, named alone or with numbers behind it; return how many."""
        found = {
            id(job): job
            for key, job in self._jobs.get(tenant, {}).items()
            if key == name or (key.startswith(f"{name}_") and key[len(name) + 1 :].isdigit())
        }
        return _finish(list(found.values()))

    def abort_all(self, tenant: str) -> int:
        """End every job of a tenant; return how many."""
        found = {id(job): job for job in self._jobs.get(tenant, {}).values()}
        return _finish(list(found.values()))


def _finish(jobs: Sequence[Job]) -> int:
    for job in jobs:
        job.finish()
    return len(jobs)
