"""Keys: made, kept as digests, compared in a time that says nothing."""

from __future__ import annotations

import json
import stat
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sglc.server.operations import keys as module
from sglc.server.operations.config import OperationsConfig
from sglc.server.operations.key_file import KeyFile, KeyFileError, edited
from sglc.server.operations.key_store import KeyStore
from sglc.server.operations.keys import SALT_BYTES, KeyRing, digest_of, new_key
from sglc.server.operations.secret import Secret
from sglc.server.operations.tenant import ANYONE, Tenant, TenantLimits

SALT = bytes(SALT_BYTES)


def ring_of(*keys: str) -> KeyRing:
    return KeyRing(
        SALT, [(digest_of(k.encode(), SALT), Tenant(f"t{i}")) for i, k in enumerate(keys)]
    )


@pytest.mark.parametrize("place", [0, 1, 7, None])
def test_every_key_is_compared_wherever_the_right_one_is(
    place: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = [new_key() for _ in range(8)]
    ring = ring_of(*keys)
    compared: list[tuple[bytes, bytes]] = []
    original = module.hmac.compare_digest

    def counting(a: bytes, b: bytes) -> bool:
        compared.append((a, b))
        return bool(original(a, b))

    monkeypatch.setattr(module.hmac, "compare_digest", counting)
    given_key = "x" if place is None else keys[place]
    found = ring.find(given_key.encode())
    assert (found and found.name) == (None if place is None else f"t{place}")
    assert [known for known, _ in compared] == [digest for digest, _ in ring.entries]
    assert {len(each) for pair in compared for each in pair} == {32}


@given(st.lists(st.binary(min_size=1, max_size=80), min_size=1, unique=True), st.binary())
def test_a_key_opens_what_is_its_own(keys: list[bytes], other: bytes) -> None:
    ring = KeyRing(SALT, [(digest_of(k, SALT), Tenant(str(i))) for i, k in enumerate(keys)])
    for number, key in enumerate(keys):
        found = ring.find(key)
        assert found is not None
        assert found.name == str(number)
    assert (ring.find(other) is None) == (other not in keys)


LIMITS = st.fixed_dictionaries(
    {},
    optional={
        "max_tokens": st.integers(1, 10**9),
        "max_wall_time_s": st.floats(0.001, 1e6),
        "max_concurrent": st.integers(1, 100),
    },
)


@given(st.dictionaries(st.from_regex(r"[a-z][a-z0-9._-]{0,9}", fullmatch=True), LIMITS))
def test_a_file_says_what_was_written(tenants: dict[str, dict[str, Any]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "keys.json"
        with edited(path) as found:
            keys = {name: found.add(name, limits) for name, limits in tenants.items()}
        text = path.read_text()
        ring = KeyFile.read(path).ring()
        for name, key in keys.items():
            assert key not in text
            assert ring.find(key.encode()) == Tenant(name, TenantLimits(**tenants[name]))
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_keys_are_rotated_one_by_one(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    with edited(path) as found:
        old, new = found.add("alice", {"max_tokens": 5}), found.add("alice", {})
        number = found.holders["alice"].keys[0].number
    with edited(path) as found:
        assert found.remove("alice", number) == 1
    ring = KeyFile.read(path).ring()
    assert ring.find(old.encode()) is None
    assert ring.find(new.encode()) == Tenant("alice", TenantLimits(max_tokens=5))


NO_DIGEST = {"id": "1", "digest": "", "created_at": 0}


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        ({"version": 9}, "version is 9"),
        ({"salt": "00"}, "the salt has 1 bytes"),
        ({"tenants": {"../x": {"limits": {}, "keys": []}}}, "a name has 1 to 64"),
        ({"tenants": {"a": {"limits": {"max_token": 1}, "keys": []}}}, "max_token"),
        ({"tenants": {"a": {"limits": {"max_tokens": -1}, "keys": []}}}, "above 0"),
        ({"tenants": {"a": {"limits": {}, "keys": [NO_DIGEST]}}}, "0 bytes, not 32"),
        ({"tenants": []}, "damaged"),
    ],
)
def test_a_damaged_file_is_refused(damage: dict[str, Any], says: str, tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    with edited(path) as found:
        found.add("alice", {})
    path.write_text(json.dumps(json.loads(path.read_text()) | damage))
    with pytest.raises(KeyFileError, match=says) as error:
        KeyFile.read(path)
    assert str(path) in str(error.value)


def test_a_file_that_changes_is_read_again(tmp_path: Path) -> None:
    path, now = tmp_path / "keys.json", [0.0]
    with edited(path) as found:
        old = found.add("alice", {})
    store = KeyStore(OperationsConfig(api_keys=path), lambda: now[0])
    with edited(path) as found:
        found.remove("alice")
        new = found.add("bob", {})
    assert store.find(old.encode()) is not None  # looked at a moment ago
    now[0] = 1.0
    assert store.find(old.encode()) is None
    assert store.find(new.encode()) == Tenant("bob")
    path.write_text("{")
    now[0] = 2.0
    assert store.find(new.encode()) == Tenant("bob")  # a slip locks nobody out
    path.unlink()
    store.reload()
    assert store.find(new.encode()) == Tenant("bob")


def test_the_one_key_and_the_file_count_together(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    with edited(path) as found:
        key = found.add("alice", {})
    store = KeyStore(OperationsConfig(api_key=Secret("s3cret"), api_keys=path))
    assert store.find(b"s3cret") is ANYONE
    assert store.find(key.encode()) == Tenant("alice")
    assert store.find(b"") is None


def test_a_secret_is_not_printed() -> None:
    config = OperationsConfig(api_key=Secret("s3cret"))
    assert "s3cret" not in f"{config} {config!r} {config.api_key}"
