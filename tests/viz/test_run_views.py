"""The views of a run: timeline, prefixes, transcript."""

from __future__ import annotations

from functools import cache
from itertools import combinations, pairwise
from typing import Any

import pytest
from generators.traces import branches, traced
from hypothesis import given
from hypothesis import strategies as st

from sglc.constraints import regex
from sglc.constraints.build import language
from sglc.viz import timeline_view as timeline_module
from sglc.viz import transcript_view as transcript_module
from sglc.viz.page import page_data
from sglc.viz.places import Places
from sglc.viz.timeline_view import costs, timeline_view
from sglc.viz.transcript_view import forced


@cache
def page() -> dict[str, Any]:
    known = branches()
    return page_data(known.atlas(), "a.sgl", known.stages, known.read())


def text_of(key: str) -> str:
    """The text of the source that a key stands for."""
    return "".join(
        text for line in page()["files"][0]["lines"] for text, keys in line if key in keys
    )


def test_calls_stand_in_lanes_with_their_phases_inside() -> None:
    drawing = page()["run"]["timeline"]
    (run,) = drawing["runs"]
    assert [call["name"] for call in run["calls"]] == [
        "gen a", "gen b", "gen b", "gen inner", "gen c",
    ]  # fmt: skip
    for call in run["calls"]:
        assert run["x"] - 0.2 <= call["x"]
        assert call["x"] + call["w"] <= run["x"] + run["w"] + 1.2
        assert run["y"] < call["y"] < run["y"] + run["h"]
        for _, x, width in call["phases"]:
            assert call["x"] - 0.2 <= x
            assert x + width <= call["x"] + call["w"] + 0.6
        assert sum(width for _, _, width in call["phases"]) == pytest.approx(call["w"], abs=1)
        assert sum(width for _, _, width, _ in call["bar"]) == pytest.approx(call["w"], abs=1)
        assert [text_of(key) for key in call["keys"][:1]] == ["gen()"]
    for a, b in combinations(run["calls"], 2):
        if a["y"] == b["y"]:
            assert a["x"] + a["w"] <= b["x"] + 1.1 or b["x"] + b["w"] <= a["x"] + 1.1
    assert drawing["width"] >= run["x"] + run["w"]


def test_the_critical_path_leads_from_call_to_call() -> None:
    (run,) = page()["run"]["timeline"]["runs"]
    critical = [call for call in run["calls"] if call["critical"]]
    assert [call["name"] for call in critical] == ["gen a", "gen inner", "gen c"]
    assert len(run["path"]) == len(critical) - 1
    for (start, end), a, b in zip(run["path"], critical, critical[1:], strict=False):
        assert start[0] == pytest.approx(a["x"] + a["w"], abs=0.2)
        assert end[0] == pytest.approx(b["x"], abs=0.2)


def test_the_host_has_what_no_call_has() -> None:
    (run,) = page()["run"]["timeline"]["runs"]
    covered = sum(width for _, width in run["host"])
    spans = sorted((call["x"], call["x"] + call["w"]) for call in run["calls"])
    at = run["x"]
    for begin, end in spans:
        covered += max(0.0, end - max(at, begin))
        at = max(at, end)
    assert covered == pytest.approx(run["w"], abs=2)


def test_charts_show_the_engine() -> None:
    known = traced('prompt main():\n    fork i in 1..4 as p:\n        "{i}{a = gen()}"\n', a=2)
    data = timeline_view(known.read(), Places(known.atlas()))
    charts = {chart["name"]: chart for chart in data["charts"]}
    assert charts["batch"]["most"] == 4
    assert [area["name"] for area in charts["batch"]["areas"]] == ["prefill", "decode"]
    for chart in charts.values():
        for area in chart["areas"]:
            assert len(area["points"]) <= 2 * timeline_module.COLUMNS
            heights = [y for _, y in area["points"]]
            assert chart["y"] - 0.1 <= min(heights) <= max(heights) <= chart["y"] + chart["h"] + 0.1
            assert all(
                a[0] <= b[0] for a, b in zip(area["points"], area["points"][1:], strict=False)
            )


def test_what_is_too_much_is_not_drawn_and_told(monkeypatch: pytest.MonkeyPatch) -> None:
    known = branches()
    trace = known.read()
    trace.runs *= 3
    monkeypatch.setattr(timeline_module, "MAX_CALLS", 11)
    data = timeline_view(trace, Places(known.atlas()))
    assert (len(data["runs"]), data["note"]) == (3, "")
    monkeypatch.setattr(timeline_module, "MAX_CALLS", 5)
    trace = known.read()
    trace.runs.append(branches().read().runs[0])
    data = timeline_view(trace, Places(known.atlas()))
    assert (len(data["runs"]), data["note"]) == (1, "1 more runs are not drawn")
    monkeypatch.setattr(timeline_module, "MAX_CALLS", 3)
    data = timeline_view(known.read(), Places(known.atlas()))
    assert len(data["runs"][0]["calls"]) == 3
    assert data["note"] == "2 more calls of the run are not drawn"


def test_the_transcript_tells_program_and_model_apart() -> None:
    known = branches()
    (run,) = page()["run"]["transcript"]["runs"]
    own, *others = run["streams"]
    assert own["title"] == ""
    said = [(p["kind"], p["text"]) for p in own["pieces"] if p["kind"] not in ("begin", "end")]
    assert "".join(text for _, text in said) == "1234ababinnerc"
    assert [text for kind, text in said if kind == "model"] == ["a", "c"]
    assert {o["title"]: [p["text"] for p in o["pieces"]] for o in others} == {
        "up to gen b in 0": ["1", "x", "b"],
        "up to gen b in 1": ["2", "x", "b"],
        "up to gen inner in 3": ["12", "a", "inner"],
    }
    assert others[0]["lead"].strip().endswith("aba")
    assert "1234" in known.text


def test_every_piece_leads_to_its_place() -> None:
    for stream in page()["run"]["transcript"]["runs"][0]["streams"]:
        for piece in stream["pieces"]:
            assert piece["keys"]
            if piece["kind"] == "model":
                assert text_of(piece["keys"][0]) == "gen()"
            elif piece["text"] == "1234":
                assert text_of(piece["keys"][0]) == "1234"


def test_what_a_place_has_cost_is_summed() -> None:
    known = branches()
    trace = known.read()
    found = costs(trace, Places(known.atlas()))
    b = next(call for call in trace.runs[0].calls if call.name == "b")
    assert len(found) == 4
    (key, *_) = Places(known.atlas()).keys(b.place, "gen")
    assert found[key].startswith("2 calls · ")
    total = sum(call.tokens["prompt"] for call in trace.runs[0].calls if call.name == "b")
    assert f" · {total} prompt tokens · " in found[key]


def test_a_call_that_joined_another_says_so() -> None:
    known = branches()
    trace = known.read()
    trace.runs[0].calls[1].has_joined = True
    (run,) = timeline_view(trace, Places(known.atlas()))["runs"]
    told = [call["words"].endswith("an equal call did the work") for call in run["calls"]]
    assert told == [False, True, False, False, False]


def test_calls_of_arms_that_were_not_taken_are_told() -> None:
    known = branches()
    trace = known.read()
    trace.runs[0].calls[1].is_wasted = True
    (run,) = timeline_view(trace, Places(known.atlas()))["runs"]
    assert [call["wasted"] for call in run["calls"]] == [False, True, False, False, False]
    shown = page_data(known.atlas(), "a.sgl", known.stages, trace)["run"]["transcript"]["runs"]
    titles = [stream["title"] for stream in shown[0]["streams"]]
    assert sum(title.endswith("of an arm that was not taken") for title in titles) == 1


def test_a_run_that_asks_nothing_has_a_page() -> None:
    known = traced('prompt main():\n    "x"\n')
    run = page_data(known.atlas(), "a.sgl", known.stages, known.read())["run"]
    assert run["prefixes"]["rows"] == []
    assert run["timeline"]["runs"][0]["calls"] == []
    assert [p["text"] for p in run["transcript"]["runs"][0]["streams"][0]["pieces"]] == ["x"]


def test_transcripts_stop_where_they_are_too_long(monkeypatch: pytest.MonkeyPatch) -> None:
    known = branches()
    trace = known.read()
    trace.runs *= 3
    monkeypatch.setattr(transcript_module, "MAX_PIECES", 1)
    shown = page_data(known.atlas(), "a.sgl", known.stages, trace)["run"]["transcript"]
    assert (len(shown["runs"]), shown["note"]) == (1, "2 more runs are not shown")


def test_prefixes_add_up() -> None:
    data = page()["run"]["prefixes"]
    rows = data["rows"]
    assert rows[0]["depth"] == 0
    assert all(b["depth"] <= a["depth"] + 1 for a, b in pairwise(rows))
    assert data["all"] == sum(row["tokens"] * row["asked"] for row in rows)
    assert sum(row["ends"] for row in rows) == 5
    assert data["expected"] == data["all"] - sum(
        row["tokens"] for row in rows if row["asked"] and not row["written"]
    )
    shared = max(rows, key=lambda row: row["asked"])
    assert len(shared["keys"]) >= 2
    assert all(row["keys"] for row in rows if row["ends"])


@given(st.text("abc", max_size=8))
def test_forced_text_is_what_leaves_no_choice(text: str) -> None:
    machine = language(regex("ab(c|a)bc"))
    parts = forced(machine, text)
    assert "".join(part for _, part in parts) == text
    if text == "abcbc":
        assert parts == [(True, "ab"), (False, "c"), (True, "bc")]
    assert all(a != b for (a, _), (b, _) in pairwise(parts))


def test_forced_text_of_a_record() -> None:
    machine = language(regex('\\{"ä": [01]\\}'))
    assert forced(machine, '{"ä": 1}') == [(True, '{"ä": '), (False, "1"), (True, "}")]
    assert forced(machine, "zz") == [(False, "zz")]
