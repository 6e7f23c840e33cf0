"""Pages of a tenant's records, ordered by their numbers."""

from __future__ import annotations

import sqlite3
from typing import Literal

from sglc.server.errors import ApiError

Order = Literal["asc", "desc"]


def page(
    connection: sqlite3.Connection,
    table: Literal["files", "batches"],
    tenant: str,
    *,
    limit: int,
    after: str | None,
    order: Order,
    purpose: str | None = None,
) -> tuple[list[sqlite3.Row], bool]:
    """Return up to ``limit`` rows behind the record ``after``, and whether there are more.

    Raises:
        ApiError: 404: the tenant has no record ``after``.
    """
    where, values = ["tenant = ?"], list[object]([tenant])
    if after is not None:
        found = connection.execute(
            f"SELECT seq FROM {table} WHERE id = ? AND tenant = ?", (after, tenant)
        ).fetchone()
        if found is None:
            raise ApiError(404, f"after: there is no `{after}` to go on behind", param="after")
        where.append("seq > ?" if order == "asc" else "seq < ?")
        values.append(found[0])
    if purpose is not None:
        where.append("purpose = ?")
        values.append(purpose)
    rows = connection.execute(
        f"SELECT * FROM {table} WHERE {' AND '.join(where)} ORDER BY seq {order} LIMIT ?",
        (*values, limit + 1),
    ).fetchall()
    return rows[:limit], len(rows) > limit
