"""The tables, step by step: a database of version v has the first v steps behind it."""

from __future__ import annotations

APPLICATION_ID = 0x53474C43

STEPS: tuple[tuple[str, ...], ...] = (
    (
        # blobs that may be on disk and belong to nothing: writes that have begun, deletions
        "CREATE TABLE loose_blobs (blob TEXT PRIMARY KEY) WITHOUT ROWID",
        """CREATE TABLE files (
            seq INTEGER PRIMARY KEY AUTOINCREMENT,
            id TEXT NOT NULL UNIQUE,
            tenant TEXT NOT NULL,
            filename TEXT NOT NULL,
            purpose TEXT NOT NULL,
            num_bytes INTEGER NOT NULL,
            sha256 TEXT NOT NULL,
            created_at INTEGER NOT NULL
        )""",
        "CREATE INDEX files_of_tenant ON files (tenant, seq)",
        """CREATE TABLE batches (
            seq INTEGER PRIMARY KEY AUTOINCREMENT,
            id TEXT NOT NULL UNIQUE,
            tenant TEXT NOT NULL,
            input_file_id TEXT NOT NULL,
            endpoint TEXT NOT NULL,
            metadata TEXT,
            status TEXT NOT NULL,
            created_at INTEGER NOT NULL,
            in_progress_at INTEGER,
            finalizing_at INTEGER,
            completed_at INTEGER,
            failed_at INTEGER,
            expired_at INTEGER,
            cancelling_at INTEGER,
            cancelled_at INTEGER,
            num_total INTEGER NOT NULL DEFAULT 0,
            num_completed INTEGER NOT NULL DEFAULT 0,
            num_failed INTEGER NOT NULL DEFAULT 0,
            worked_s REAL NOT NULL DEFAULT 0,
            output_file_id TEXT,
            error_file_id TEXT,
            errors TEXT
        )""",
        "CREATE INDEX batches_of_tenant ON batches (tenant, seq)",
        "CREATE INDEX batches_by_status ON batches (status)",
        """CREATE TABLE batch_results (
            batch INTEGER NOT NULL REFERENCES batches (seq),
            line INTEGER NOT NULL,
            is_error INTEGER NOT NULL,
            reply BLOB NOT NULL,
            PRIMARY KEY (batch, line)
        )""",
    ),
)
