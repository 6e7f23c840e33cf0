"""``sglc keys``."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from sglc.server.operations.key_file import KeyFile
from sglc.server.operations.tenant import Tenant, TenantLimits


def test_a_key_is_made_listed_and_removed(sglc: Callable[..., Any], tmp_path: Path) -> None:
    file = tmp_path / "keys.json"
    made = sglc("keys", "add", file, "alice", "--max-concurrent", 8, "--max-wall-time-s", "1.5")
    key = made.out.strip()
    found = KeyFile.read(file).ring().find(key.encode())
    assert found == Tenant("alice", TenantLimits(max_concurrent=8, max_wall_time_s=1.5))
    listed = sglc("keys", "list", file)
    assert listed.out.startswith("alice max_wall_time_s=1.5 max_concurrent=8\n  ")
    assert key not in listed.out
    assert sglc("keys", "remove", file, "alice").out == "1 key of alice removed\n"
    assert sglc("keys", "list", file).out == ""


def test_mistakes_are_named(sglc: Callable[..., Any], tmp_path: Path) -> None:
    file = tmp_path / "keys.json"
    missing = sglc("keys", "list", file)
    assert (missing.code, str(file) in missing.err) == (3, True)
    assert "64 letters" in sglc("keys", "add", file, "no/name").err
    assert "max_tokens must be a number above 0" in sglc(
        "keys", "add", file, "alice", "--max-tokens", 0
    ).err  # fmt: skip
    assert "no key of 'bob'" in sglc("keys", "remove", file, "bob").err


def test_a_server_without_a_usable_file_does_not_start(
    sglc: Callable[..., Any], tmp_path: Path
) -> None:
    done = sglc("serve", "--api-keys", tmp_path / "none.json", "--port", 1)
    assert (done.code, "none.json cannot be read" in done.err) == (3, True)
    assert sglc("serve", "--api-key", " ").code == 2
    assert sglc("serve", "--cors-origin", "https://a.example/").code == 2
