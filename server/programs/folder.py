"""Programs on disk: what was uploaded, by tenant and id. They are compiled again when needed."""

from __future__ import annotations

import hashlib
import json
import os
import re
import secrets
import time
from contextlib import suppress
from pathlib import Path
from typing import Final, NamedTuple

from sglc.server.errors import ApiError
from sglc.server.programs.upload import Upload
from sglc.server.storage.faults import disk_faults

_ID: Final = re.compile(r"prog_[0-9a-f]{64}")
_VERSION: Final = 1


class Stored(NamedTuple):
    """An upload; ``created`` is in seconds since 1970."""

    upload: Upload
    created: int


class ProgramFolder:
    """A file for each program in a folder for each tenant. Everything here blocks."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def write(self, tenant: str, upload: Upload, max_programs: int) -> int:
        """Keep an upload; return when it was first. It is whole on disk, or not there.

        Raises:
            ApiError: 507: there is no room; 409: the tenant has ``max_programs`` already.
        """
        known = self.read(tenant, upload.id)
        if known is not None:
            return known.created
        folder = self._of(tenant)
        created = int(time.time())
        data = {"version": _VERSION, "created": created, "upload": upload.to_data()}
        with disk_faults():
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            if len(self.ids(tenant)) >= max_programs:
                raise ApiError(
                    409,
                    f"you have {max_programs} programs: delete one with DELETE /v1/programs/ID",
                    code="too_many_programs",
                )
            partial = folder / f"{secrets.token_hex(8)}.partial"
            try:
                with partial.open("x", encoding="utf-8") as file:
                    json.dump(data, file)
                    file.flush()
                    os.fsync(file.fileno())
                partial.rename(folder / f"{upload.id}.json")
            finally:
                with suppress(FileNotFoundError):
                    partial.unlink()
            descriptor = os.open(folder, os.O_RDONLY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
        return created

    def read(self, tenant: str, program_id: str) -> Stored | None:
        """Return what was uploaded; None if there is no such program.

        Raises:
            ApiError: 500: the file is not what was written.
        """
        if not _ID.fullmatch(program_id):
            return None
        try:
            with disk_faults():
                text = (self._of(tenant) / f"{program_id}.json").read_text(encoding="utf-8")
        except ApiError as error:
            if isinstance(error.__cause__, FileNotFoundError):
                return None
            raise
        except UnicodeDecodeError:
            raise _damaged(program_id) from None
        try:
            data = json.loads(text)
            stored = Stored(Upload.from_data(data["upload"]), int(data["created"]))
            is_it = stored.upload.id == program_id
        except (ValueError, TypeError, KeyError, RecursionError):
            is_it = False
        if not is_it:
            raise _damaged(program_id)
        return stored

    def remove(self, tenant: str, program_id: str) -> bool:
        """Remove a program; False if there is none."""
        if not _ID.fullmatch(program_id):
            return False
        with disk_faults():
            try:
                (self._of(tenant) / f"{program_id}.json").unlink()
            except FileNotFoundError:
                return False
        return True

    def ids(self, tenant: str) -> list[str]:
        """Return the ids of a tenant's programs, in no order that means anything."""
        try:
            names = os.listdir(self._of(tenant))
        except FileNotFoundError:
            return []
        return sorted(
            name.removesuffix(".json")
            for name in names
            if _ID.fullmatch(name.removesuffix(".json"))
        )

    def _of(self, tenant: str) -> Path:
        return self._folder / hashlib.sha256(tenant.encode()).hexdigest()[:32]


def _damaged(program_id: str) -> ApiError:
    message = f"the stored program {program_id} is damaged: upload it again"
    return ApiError(500, message, code="storage_damaged")
