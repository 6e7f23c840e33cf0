"""The status page in a browser: numbers that move, charts with gaps, nothing asked while hidden."""

from __future__ import annotations

import httpx2
import pytest
from browser.devtools import Browser
from generators.servers import RunningServer
from generators.web_pages import WebPage

ASKED = "performance.getEntriesByName(origin + '/get_server_info').length"
NUMBERS = """Object.fromEntries([...document.querySelectorAll("#numbers div")]
    .map((row) => [row.firstChild.textContent, row.lastChild.textContent]))"""


@pytest.fixture
def page(browser: Browser, server: RunningServer) -> WebPage:
    made = WebPage(browser, server.url, "/status")
    made.wait("#status-state", "live")
    return made


def test_numbers_are_those_of_the_engine_and_move(page: WebPage, http: httpx2.Client) -> None:
    before = page.browser.run(NUMBERS)
    counters = http.get("/get_server_info").json()["internal_states"][0]["counters"]
    assert before["Tokens written"] == f"{counters['decoded_tokens']:,}"
    http.post("/generate", json={"text": "Once", "sampling_params": {"max_new_tokens": 9}})
    counters = http.get("/get_server_info").json()["internal_states"][0]["counters"]
    expected = f"{counters['decoded_tokens']:,}"
    assert expected != before["Tokens written"]
    page.browser.wait(f"({NUMBERS})['Tokens written'] === '{expected}'")
    rate = page.browser.run("document.querySelector('#charts b').textContent")
    assert float(rate) > 0
    label = page.browser.run("document.querySelector('#charts svg').getAttribute('aria-label')")
    assert label.startswith(f"Throughput: written {rate}, read ")
    assert page.browser.run("document.querySelectorAll('#charts .line').length") >= 5
    assert page.browser.problems == []


def test_the_hit_rate_is_of_what_was_asked_since(page: WebPage, http: httpx2.Client) -> None:
    text = "The same words are asked for twice, so the second time they are all in the cache."
    body = {"text": text, "sampling_params": {"max_new_tokens": 1}}
    http.post("/generate", json=body)
    page.browser.run("new Promise((done) => setTimeout(done, 4500))")  # the first is in the past
    http.post("/generate", json=body)
    hit = "document.querySelectorAll('#charts figure')[1].querySelector('b').textContent"
    page.browser.wait(f"{hit} !== '–'")
    assert 50 < float(page.browser.run(hit)) <= 100


def test_nothing_is_asked_while_nobody_looks(page: WebPage) -> None:
    page.browser.run("""
        Object.defineProperty(document, "hidden", {value: true, configurable: true});
        document.dispatchEvent(new Event("visibilitychange"));
        new Promise((done) => setTimeout(done, 300));
    """)
    asked = page.browser.run(ASKED)
    page.browser.run("new Promise((done) => setTimeout(done, 5000))")
    assert page.browser.run(ASKED) == asked
    page.browser.run(
        "delete document.hidden; document.dispatchEvent(new Event('visibilitychange'))"
    )
    page.browser.wait(f"{ASKED} === {asked} + 1")
    page.click("#to-playground")
    page.wait("#check-state", "no errors")
    asked = page.browser.run(ASKED)
    page.browser.run("new Promise((done) => setTimeout(done, 3000))")
    assert page.browser.run(ASKED) == asked
    page.browser.run("history.back()")
    page.browser.wait(f"{ASKED} === {asked} + 1")


def test_a_time_that_is_not_known_is_a_gap(page: WebPage) -> None:
    """A line is drawn within what was asked in one go; counters that begin again are no rate."""
    ways = page.browser.run("""import("/web/chart.js").then(({ Chart }) => {
        const chart = new Chart({ title: "T", unit: "", series: [["n", "n"]] }, 100);
        const at = [0, 2, 4, 30, 32, 34, 36];
        const points = at.map((each, index) => ({ at: each, n: index === 5 ? null : index }));
        chart.show(points, 36);
        return [...chart.element.querySelectorAll(".line")].map((each) => each.getAttribute("d"));
    })""")
    assert [way.count("L") + 1 for way in ways] == [3, 2, 1]
