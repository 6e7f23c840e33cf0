"""Where a model's files are: a directory, the embedded model, or the Hugging Face hub."""

from __future__ import annotations

import re
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from sglc.runtime.models.errors import ModelError

EMBEDDED = "embedded"
"""Names the small model that ships with the project."""

_HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*")
_FILES = ["*.json", "*.safetensors", "*.jinja"]


def resolve(path_or_id: str) -> Path:
    """Return the directory of a model, downloading it only where it is an id of the hub.

    Raises:
        ModelError: nothing is there, or the hub refuses or cannot be reached.
    """
    if path_or_id == EMBEDDED:
        directory = Path(__file__).resolve().parent.parent / "embedded"
        if not (directory / "config.json").exists():
            raise ModelError(f"{directory}: the embedded model's files are not in this checkout")
        return directory
    path = Path(path_or_id).expanduser()
    if path.is_dir():
        return path
    if path.exists():
        raise ModelError(f"{path}: a model is a directory with config.json, not one file")
    if not _HUB_ID.fullmatch(path_or_id):
        raise ModelError(
            f"{path_or_id}: no such directory, and not a hub id such as `Qwen/Qwen3-0.6B`"
        )
    return _download(path_or_id)


def _download(hub_id: str) -> Path:
    if find_spec("huggingface_hub") is None:
        raise ModelError(
            f"{hub_id}: no such directory; to fetch it from the hub: pip install huggingface_hub"
        )
    hub: Any = import_module("huggingface_hub")
    try:
        return Path(hub.snapshot_download(hub_id, allow_patterns=_FILES))
    except Exception as error:
        reason = _reason(error)
        if reason is None:
            raise
        raise ModelError(f"{hub_id}: {reason}") from error


def _reason(error: BaseException) -> str | None:
    """Say in one line what the hub client's error means; None where it is not about the hub.

    Its errors wrap one another (offline inside not-in-cache), so the chain is followed.
    """
    chain: list[BaseException] = []
    link: BaseException | None = error
    while link is not None and link not in chain:
        chain.append(link)
        link = link.__cause__ or link.__context__
    statuses = [getattr(getattr(e, "response", None), "status_code", None) for e in chain]
    if any(type(e).__name__ == "GatedRepoError" for e in chain) or 403 in statuses:
        return "the hub refuses (403): accept the model's terms there, and log in (hf auth login)"
    if any(type(e).__name__ == "RepositoryNotFoundError" for e in chain) or 404 in statuses:
        return "not on the hub (404), or private: check the id, or log in (hf auth login)"
    if 401 in statuses:
        return "the hub wants a login (401): hf auth login"
    offline = ("OfflineModeIsEnabled", "LocalEntryNotFoundError", "ConnectError", "ConnectionError")
    if any(type(e).__name__ in offline or isinstance(e, ConnectionError) for e in chain):
        return "not in the local cache, and the hub cannot be reached (offline?)"
    if any(type(e).__module__.startswith("huggingface_hub") for e in chain):
        return f"the hub client failed: {error}"
    if isinstance(error, OSError):
        return f"cannot download: {error}"
    return None
