"""Where a recording may be written: nowhere over something else."""

from __future__ import annotations

from pathlib import Path
from typing import Final

BEGIN: Final = b'{"sglrec":'
"""What every recording begins with."""


def problem_with(path: Path) -> str | None:
    """Say why no recording can be written there; None if one can."""
    if path.is_dir():
        return f"{path} is a directory"
    if not path.absolute().parent.is_dir():
        return f"{path} lies in a folder that does not exist"
    try:
        with path.open("rb") as file:
            begin = file.read(len(BEGIN))
    except FileNotFoundError:
        return None
    except OSError as error:
        return f"{path}: {error.strerror or error}"
    if begin and not BEGIN.startswith(begin):
        return f"{path} is there and is no recording: name another file, or delete it"
    return None
