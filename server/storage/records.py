"""What is stored, as records."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, Literal, TypeVar

T = TypeVar("T")

BatchStatus = Literal[
    "validating",
    "in_progress",
    "finalizing",
    "completed",
    "failed",
    "expired",
    "cancelling",
    "cancelled",
]
UNFINISHED: tuple[BatchStatus, ...] = ("validating", "in_progress", "finalizing", "cancelling")


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredFile:
    """A file of a tenant. ``seq`` orders files; a time may jump, so it orders nothing."""

    seq: int
    id: str
    tenant: str
    filename: str
    purpose: str
    num_bytes: int
    sha256: str
    created_at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredBatch:
    """A batch of a tenant. ``metadata`` and ``errors`` are JSON texts.

    ``worked_s`` is how long servers have had it: what its window is measured by.
    """

    seq: int
    id: str
    tenant: str
    input_file_id: str
    endpoint: str
    metadata: str | None
    status: BatchStatus
    created_at: int
    in_progress_at: int | None
    finalizing_at: int | None
    completed_at: int | None
    failed_at: int | None
    expired_at: int | None
    cancelling_at: int | None
    cancelled_at: int | None
    num_total: int
    num_completed: int
    num_failed: int
    worked_s: float
    output_file_id: str | None
    error_file_id: str | None
    errors: str | None

    @property
    def is_over(self) -> bool:
        """Whether nothing changes any more."""
        return self.status not in UNFINISHED


@dataclass(frozen=True, slots=True)
class Listing(Generic[T]):
    """One page of a list, and whether there is more behind it."""

    items: Sequence[T]
    has_more: bool


def new_id(prefix: str) -> str:
    """Return an id that nobody can guess."""
    return prefix + secrets.token_hex(16)
