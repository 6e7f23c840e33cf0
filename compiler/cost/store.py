"""Calibrations on disk: one JSON file per machine and model in the cache folder."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path

from sglc.compiler.cost.calibration import Calibration, CalibrationError, from_data

FOLDER = "calibration"


def path_of(folder: Path, model: str, machine: str) -> Path:
    """Where the calibration of a model on a machine is kept."""
    key = hashlib.sha256(f"{model}\n{machine}".encode()).hexdigest()[:16]
    return folder / FOLDER / f"{key}.json"


def save(folder: Path, calibration: Calibration) -> Path:
    """Write a calibration where ``load`` finds it; return the file.

    Raises:
        OSError: it cannot be written.
    """
    path = path_of(folder, calibration.model, calibration.machine)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(f".{os.getpid()}.tmp")
    temporary.write_text(json.dumps(calibration.to_data(), indent=1) + "\n", encoding="utf-8")
    os.replace(temporary, path)
    return path


def load(folder: Path, model: str, machine: str) -> Calibration | None:
    """Return the calibration of a model on a machine; None if there is none.

    Raises:
        CalibrationError: the file cannot be read, or holds something else.
    """
    path = path_of(folder, model, machine)
    return read(path) if path.exists() else None


def read(path: Path) -> Calibration:
    """Read the calibration of a file.

    Raises:
        CalibrationError: it cannot be read, or holds something else; the message names the file.
    """
    try:
        return from_data(json.loads(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise CalibrationError(f"{path}: {error.strerror or error}") from None
    except (UnicodeDecodeError, json.JSONDecodeError, RecursionError) as error:
        raise CalibrationError(f"{path}: not JSON: {error}") from None
    except CalibrationError as error:
        raise CalibrationError(f"{path} is no calibration: {error}") from None
