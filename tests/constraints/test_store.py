"""Automata on disk: what comes back, and what is taken for not there."""

from __future__ import annotations

import os
import pickle
import threading
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sglc.constraints import store as store_module
from sglc.constraints.artifacts import ArtifactFolder, code_digest
from sglc.constraints.automaton import Automaton
from sglc.constraints.language import language
from sglc.constraints.packed import PackedRows
from sglc.constraints.store import AutomatonStore
from sglc.constraints.types import Field, Record, Regex, Str

PATTERNS = [r"\w{1,3}", "(yes|no)+", "é*[^a]?", "a{20}", "", r"[^\s\S]"]


@pytest.fixture
def store(tmp_path: Path) -> AutomatonStore:
    return AutomatonStore(ArtifactFolder(tmp_path))


def build(pattern: str) -> Automaton:
    machine = language(Regex(pattern))
    assert isinstance(machine, Automaton)
    return machine


@pytest.mark.parametrize("pattern", PATTERNS)
def test_an_automaton_comes_back_as_it_was(store: AutomatonStore, pattern: str) -> None:
    t, machine = Regex(pattern), build(pattern)
    assert store.load(t) is None
    assert store.save(t, machine) > 0
    found = store.load(t)
    assert found is not None
    assert found == machine
    assert list(found.rows) == list(machine.rows)
    assert found.accepting == machine.accepting
    assert found.distances == machine.distances
    copied = pickle.loads(pickle.dumps(found))
    for state in range(machine.num_states):
        steps = [machine.step(state, byte) for byte in range(256)]
        assert [copied.step(state, byte) for byte in range(256)] == steps
    fresh = Automaton.from_data(found.to_data())
    assert fresh == machine  # the digest that was stored is the one that would be computed
    assert fresh.digest == found.digest


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.lists(st.text("abé", max_size=5), min_size=1, max_size=8), st.data())
def test_packed_rows_are_the_rows(texts: list[str], data: Any) -> None:
    machine = Automaton.from_strings(texts)
    packed = PackedRows.of(machine.rows)
    assert list(packed) == list(machine.rows)
    assert packed[1:] == list(machine.rows)[1:]
    assert packed[-1] == machine.rows[-1]
    for column, slot in enumerate(machine.rows[1][0]):
        way = packed.ways[packed.way_of[1] + slot]
        assert way == machine.step(1, machine.classes.index(column))


def test_types_of_another_language_do_not_meet(store: AutomatonStore) -> None:
    store.save(Regex("a"), build("a"))
    assert store.load(Regex("b")) is None
    assert store.load(Str(chars="a")) is None


def test_a_default_that_is_no_json_does_no_harm(store: AutomatonStore) -> None:
    t = Record((Field("x", Str(max=2), default=object()),))
    machine = language(t)
    assert isinstance(machine, Automaton)
    assert store.save(t, machine) > 0


def test_other_code_or_other_unicode_is_another_key(
    store: AutomatonStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.save(Regex("a"), build("a"))
    with monkeypatch.context() as patch:
        patch.setattr(store_module, "code_digest", lambda package: "other")
        assert store.load(Regex("a")) is None
    with monkeypatch.context() as patch:
        patch.setattr(store_module.unicodedata, "unidata_version", "99")
        assert store.load(Regex("a")) is None
    assert store.load(Regex("a")) is not None


@pytest.mark.parametrize("damage", ["empty", "cut", "flipped", "foreign", "longer", "folder"])
def test_damaged_files_are_not_there_and_are_replaced(
    store: AutomatonStore, tmp_path: Path, damage: str
) -> None:
    t, machine = Regex("(yes|no)+"), build("(yes|no)+")
    store.save(t, machine)
    (file,) = tmp_path.glob("automata/*")
    whole = file.read_bytes()
    file.unlink()
    match damage:
        case "folder":
            file.mkdir()
        case _:
            flipped = bytes(byte ^ (i == len(whole) - 70) for i, byte in enumerate(whole))
            made = {"empty": b"", "cut": whole[:-1], "flipped": flipped, "longer": whole + b"\0"}
            file.write_bytes(made.get(damage, b"SQLite format 3\0" * 20))
    assert store.load(t) is None
    written = store.save(t, machine)
    if damage == "folder":
        assert written == 0
    else:
        assert store.load(t) == machine
    assert not list(tmp_path.rglob(".new-*"))


def test_every_flipped_bit_is_seen_or_harmless(store: AutomatonStore, tmp_path: Path) -> None:
    t, machine = Regex("ab?"), build("ab?")
    store.save(t, machine)
    (file,) = tmp_path.glob("automata/*")
    whole = bytearray(file.read_bytes())
    for at in range(0, len(whole), 7):
        whole[at] ^= 16
        file.write_bytes(whole)
        found = store.load(t)
        assert found is None or (found == machine and list(found.rows) == list(machine.rows))
        whole[at] ^= 16


def test_a_folder_that_cannot_be_written_is_no_error(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("not a folder")
    store = AutomatonStore(ArtifactFolder(blocked / "cache"))
    assert store.save(Regex("a"), build("a")) == 0
    assert store.load(Regex("a")) is None


def test_what_was_used_longest_ago_is_pruned(store: AutomatonStore, tmp_path: Path) -> None:
    patterns = ["a{9}", "b{9}", "c{9}", "d{9}"]
    for pattern in patterns:
        store.save(Regex(pattern), build(pattern))
    files = sorted(tmp_path.glob("automata/*"), key=lambda path: path.stat().st_mtime_ns)
    for age, file in enumerate(files):
        os.utime(file, ns=(0, 10**18 + age))
    sizes = [file.stat().st_size for file in files]
    assert store.load(Regex(patterns[0])) is not None  # it becomes the newest
    removed = ArtifactFolder(tmp_path).prune(sizes[0] + sizes[3])
    assert removed == sizes[1] + sizes[2]
    left = [pattern for pattern in patterns if store.load(Regex(pattern)) is not None]
    assert left == ["a{9}", "d{9}"]


def test_a_folder_bounds_itself(tmp_path: Path) -> None:
    folder = ArtifactFolder(tmp_path, max_bytes=20_000)
    for number in range(40):
        assert folder.write("things", number, {}, {"x": bytes(1000)}) > 1000
    total = sum(path.stat().st_size for path in tmp_path.rglob("*") if path.is_file())
    assert total <= 20_000 + 2 * 1_200
    assert folder.read("things", 39) is not None
    assert folder.read("things", 0) is None


def test_many_may_write_and_read_at_once(tmp_path: Path) -> None:
    """Whoever reads gets nothing or all of what somebody wrote."""
    folder = ArtifactFolder(tmp_path)
    seen: list[tuple[int, int]] = []

    def work(number: int) -> None:
        for _ in range(40):
            ArtifactFolder(tmp_path).write("x", 1, {"of": number}, {"a": bytes([number]) * 5000})
            found = folder.read("x", 1)
            assert found is not None
            seen.append((found.data["of"], len(set(found.arrays["a"]) ^ {found.data["of"]})))

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(seen) == 160
    assert {wrong for _, wrong in seen} == {0}
    assert len(list(tmp_path.rglob("*"))) == 2


def test_code_is_named_by_all_of_its_files(tmp_path: Path) -> None:
    (tmp_path / "part").mkdir()
    (tmp_path / "a.py").write_text("x = 1")
    (tmp_path / "part" / "b.py").write_text("y = 2")
    seen = {code_digest(tmp_path)}
    for path, text in (("a.py", "x = 2"), ("part/b.py", "y = 3"), ("part/c.py", "")):
        (tmp_path / path).write_text(text)
        code_digest.cache_clear()
        seen.add(code_digest(tmp_path))
    assert len(seen) == 4
    code_digest.cache_clear()
