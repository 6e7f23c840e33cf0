"""The prefix tree of prompts: as many tokens as a trie has, and counts that add up."""

from __future__ import annotations

from generators.timed_runs import record
from hypothesis import given
from hypothesis import strategies as st

from sglc.runtime.executor.prefixes import PrefixTree, prefix_data
from sglc.runtime.executor.records import CallRecord, RunRecord
from sglc.runtime.executor.stream import Stream

SEQUENCES = st.lists(st.lists(st.integers(0, 2), max_size=8).map(tuple), max_size=8)


@given(SEQUENCES)
def test_the_tree_has_the_tokens_of_a_trie(sequences: list[tuple[int, ...]]) -> None:
    tree = PrefixTree()
    for ids in sequences:
        tree.insert(ids)
    prefixes = {ids[:end] for ids in sequences for end in range(1, len(ids) + 1)}
    seen, stack = [], [tree.root]
    while stack:
        node = stack.pop()
        seen.append(node)
        assert all(child.ids[0] == first for first, child in node.children.items())
        assert all(child.parent is node for child in node.children.values())
        stack += node.children.values()
    assert sum(len(node.ids) for node in seen) == len(prefixes)
    assert tree.num_nodes == len(seen)
    for ids in sequences:
        path = tree.path(ids)
        assert sum((node.ids for node in path), ()) == ids


def test_what_is_shared_is_expected_to_be_computed_once() -> None:
    source = """prompt main():
    "12345"
    fork i in 1..3 as part:
        "{i}{a = gen()}"
"""
    data = prefix_data(record(source, a=1).recorder.runs)
    assert (data["calls"], data["left_out"]) == (3, 0)
    nodes = {text: (parent, *counts) for parent, _, text, *counts in data["nodes"]}
    root = data["nodes"][0]
    assert root[:7] == [-1, 5, "12345", 3, 10, 0, False]
    assert root[7] == []
    assert [nodes[text] for text in "123"] == [
        (0, 1, 0, 0, False, [(0, 0)]),
        (0, 1, 0, 0, False, [(0, 1)]),
        (0, 1, 0, 0, False, [(0, 2)]),
    ]
    assert sum(node[2] == "a" and node[6] for node in data["nodes"]) == 3


TURNS = 'prompt main():\n    "12{a = gen()}3{b = gen()}"\n'


def test_what_the_model_wrote_need_not_be_computed() -> None:
    data = prefix_data(record(TURNS, a=1, b=1).recorder.runs)
    by_text = {node[2]: node for node in data["nodes"]}
    asked, expected, _, written = by_text["a"][3:7]
    assert (asked, expected, written) == (1, 1, True)
    assert by_text["12"][3:5] == [2, 2]
    assert by_text["3"][3:5] == [1, 0]


def test_calls_past_the_limit_are_counted() -> None:
    data = prefix_data(record(TURNS, a=1, b=1).recorder.runs, max_tokens=2)
    assert (data["calls"], data["left_out"]) == (1, 1)


def test_what_is_warmed_is_asked_for_too() -> None:
    recorder = record(TURNS, a=1, b=1).recorder
    (run,) = recorder.runs
    before = prefix_data([run])
    first, second = run.calls
    warm = recorder_call(run, second.prompt)
    run.calls.insert(1, warm)
    after = prefix_data([run])
    assert after["calls"] == before["calls"] + 1
    asked = {node[2]: node[3] for node in after["nodes"]}
    assert (asked["12"], asked["a"]) == (3, 2)
    assert first.result is not None


def recorder_call(run: RunRecord, prompt: Stream | None) -> CallRecord:
    call = CallRecord(run, "warm", "", "", None, run.start_ns, None, True)
    call.prompt = prompt
    call.end_ns = run.end_ns
    return call
