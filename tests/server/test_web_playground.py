"""The playground in a browser: what is written, run, answered, stopped, by mouse and by keys."""

from __future__ import annotations

import json
import time

import httpx2
import pytest
from browser.devtools import Browser
from generators.servers import RunningServer
from generators.uploads import run_source
from generators.web_pages import WebPage

SAY = 'prompt say(what: str = "cats"):\n    "{what}:{said = gen(max_tokens=12, temperature=1)}"\n'
LONG = """
prompt long():
    "Once"
    while true limit 150:
        " and {more = gen(max_tokens=10, temperature=1)}"
"""
ASK = 'tool ask(q: str) -> int\nprompt f() -> int:\n    return ask("how many") + 1\n'
TYPES = """
type Point = {x: int(0..9), name: str(max=5)}
prompt f(
    a: int, b: "red" | "blue", c: bool, d: Point, e: list[int], g: str?, h: number = 1.5
) -> str:
    return "{a}|{b}|{c}|{d.x}{d.name}|{len(e)}|{g == none}|{h}"
"""


@pytest.fixture
def page(browser: Browser, server: RunningServer) -> WebPage:
    made = WebPage(browser, server.url)
    made.wait("#check-state", "no errors")
    return made


def num_jobs(http: httpx2.Client) -> int:
    return int(http.get("/get_server_info").json()["internal_states"][0]["jobs"])


def test_it_loads_from_its_own_server_and_complains_of_nothing(page: WebPage) -> None:
    page.run()
    page.click("#viz summary")
    frame = page.browser.frame("/web/viewer.html")
    deadline = time.monotonic() + 10
    while not frame("document.querySelectorAll('#timeline .run-call, #lanes .it').length > 1"):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    assert frame("origin") == "null"
    assert page.browser.problems == []
    loaded = page.browser.run("performance.getEntriesByType('resource').map((e) => e.name)")
    assert len(loaded) > 10
    assert all(name.startswith(page.url + "/") for name in loaded)


def test_a_run_shows_what_the_server_says(page: WebPage, http: httpx2.Client) -> None:
    page.program(SAY)
    page.fill("#arguments textarea", "dogs")
    seed = 7145337048468210297  # more than a browser counts to
    page.fill("#seed", str(seed))
    page.browser.run("""
        window.seen = [];
        new MutationObserver(() => seen.push(document.querySelector("#captures dd")?.textContent))
            .observe(document.getElementById("captures"), {subtree: true, childList: true});
    """)
    page.run(f"completed, seed {seed}")
    expected = run_source(http, SAY, arguments={"what": "dogs"}, seed=seed)
    said = expected["captures"]["said"]
    assert page.texts("#captures dd") == [said]
    assert json.loads(page.value()) == {"said": said}
    assert page.texts("#transcript pre") == [expected["text"]]
    seen = [text for text in page.browser.run("seen") if text]
    assert len(set(seen)) > 4  # as it was written
    assert all(said.startswith(text) for text in seen)


def test_messages_are_told_apart(page: WebPage) -> None:
    page.program('prompt f():\n    user: "Say <b>hi</b>."\n    assistant: a = gen(max_tokens=3)\n')
    page.run()
    assert page.texts("#transcript .message b")[:2] == ["user", "assistant"]
    assert page.texts("#transcript .message pre")[0] == "Say <b>hi</b>."


def test_mistakes_are_marked_where_they_are(page: WebPage) -> None:
    page.program('prompt f():\n    "\U0001f600 {nme}"\n    return 1\n', "error")
    marked = page.texts("#layer .m-error")
    assert "nme" in marked
    (found,) = [text for text in page.texts("#diagnostics li") if "`nme`" in text]
    assert "line 2, column 9" in found
    page.browser.run("""
        [...document.querySelectorAll("#diagnostics button")]
            .find((each) => each.textContent.includes("`nme`")).click()
    """)
    area = "document.getElementById('source')"
    assert page.browser.run(f"document.activeElement === {area}")
    start, end = page.browser.run(f"[{area}.selectionStart, {area}.selectionEnd]")
    assert page.browser.run(f"{area}.value.slice({start}, {end})") == "nme"
    page.browser.run(f"{area}.setSelectionRange(0, 0)")
    page.browser.write("# more\n")  # marks move with the text, before anything is asked
    assert "nme" in page.texts("#layer .m-error")
    assert page.text("#layer").strip() == page.browser.run(f"{area}.value").strip()


def test_the_cursor_stays_in_sight(page: WebPage) -> None:
    page.program("prompt f() -> int:\n" + "    # more\n" * 100 + "    return 1")
    room = "document.getElementById('room')"
    page.browser.run(f"{room}.scrollTop = 0")
    page.browser.press("Enter")
    page.browser.wait(f"{room}.scrollTop > 1500")
    page.browser.run("document.getElementById('source').setSelectionRange(0, 0)")
    page.browser.press("ArrowRight")
    page.browser.wait(f"{room}.scrollTop < 20")
    page.browser.write("long " * 100)
    page.browser.press("End")
    page.browser.wait(f"{room}.scrollLeft > 1500")
    assert page.browser.run("document.getElementById('source').scrollLeft") == 0  # the layer's too


def test_a_program_with_errors_is_not_run(page: WebPage) -> None:
    page.program("prompt f(:\n", "error")
    page.click("#run")
    assert "the program has" in page.wait("#failure", "error")


def test_fields_are_those_of_the_parameters(page: WebPage) -> None:
    page.program(TYPES)
    labels = page.texts("#arguments > * > :is(label, legend)")
    assert [label.split()[0] for label in labels] == ["a", "b", "c", "d", "e", "g", "h"]
    page.click("#run")
    assert page.wait("#failure", "a:") == "a: write a whole number"
    assert page.browser.run("document.activeElement.getAttribute('aria-invalid')") == "true"
    page.browser.write("41")
    page.browser.run("document.querySelectorAll('#arguments select')[0].value = 1")
    page.browser.run("document.querySelectorAll('#arguments select')[1].value = 1")
    page.fill("#arguments fieldset input", "12")
    page.fill("#arguments fieldset textarea", "ab")
    page.click("#run")
    page.wait("#failure", "x: at most 9")
    page.fill("#arguments fieldset input", "7")
    page.click("#arguments fieldset:nth-of-type(2) button")
    page.browser.write("5")
    page.run()
    assert page.value() == "41|blue|true|7ab|1|true|1.5"


def test_what_was_typed_stays_while_the_program_is_written(page: WebPage) -> None:
    page.program(SAY)
    page.fill("#arguments textarea", "my own")
    page.program("# more\n" + SAY)
    assert page.browser.run("document.querySelector('#arguments textarea').value") == "my own"


@pytest.mark.parametrize("cut", [60, 333, 700, 1500])
def test_a_connection_that_breaks_is_gone_on_with(
    page: WebPage, http: httpx2.Client, cut: int
) -> None:
    """Each connection of the run ends after some bytes, in the middle of events."""
    page.program(SAY)
    page.fill("#seed", "3")
    page.browser.run(f"""
        window.cuts = 0;
        const whole = window.fetch;
        window.fetch = async (path, options) => {{
            const reply = await whole(path, options);
            if (!/run$|events$/.test(path)) return reply;
            let left = {cut} * 2 ** cuts;
            const reader = reply.body.getReader();
            const body = new ReadableStream({{ async pull(to) {{
                const {{ done, value }} = await reader.read();
                if (done) return to.close();
                to.enqueue(value.slice(0, left));
                if ((left -= value.length) < 0) {{
                    cuts += 1;
                    reader.cancel();
                    if (cuts % 2) to.close(); else to.error(new TypeError("network error"));
                }}
            }} }});
            return new Response(body, reply);
        }};
        0
    """)
    page.run()
    expected = run_source(http, SAY, arguments={"what": "cats"}, seed=3)
    assert page.browser.run("cuts") > 0
    assert page.texts("#captures dd") == [expected["captures"]["said"]]
    assert json.loads(page.value()) == expected["value"]


def test_a_tool_is_answered_in_a_form(page: WebPage) -> None:
    page.program(ASK)
    page.click("#run")
    page.wait("#tools", "how many")
    assert page.browser.run("document.activeElement.closest('#tools') !== null")
    page.browser.write("many")
    page.browser.press("Enter")
    page.wait("#tools [role=alert]", "no whole number")
    page.fill("#tools input", "41")
    page.browser.press("Enter")
    page.wait("#run-state", "completed")
    assert page.value() == "42"
    assert page.texts("#tools form") == []
    page.click("#run")
    page.wait("#tools", "how many")
    page.click("#tools button[type=button]")
    assert "declined" in page.wait("#failure", "ask")


def test_stop_ends_the_run_in_the_engine(page: WebPage, http: httpx2.Client) -> None:
    page.program(LONG)
    page.click("#run")
    page.browser.wait("document.querySelector('#captures dd')?.textContent.length > 5")
    assert num_jobs(http) == 1
    page.click("#stop")
    page.browser.wait("!document.getElementById('run').disabled")
    assert page.text("#run-state") in ("stopped", f"cancelled, seed {page.text('#run-state')[16:]}")
    deadline = time.monotonic() + 5
    while num_jobs(http):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert page.browser.run("document.getElementById('stop').disabled")


def test_programs_are_not_left_behind(page: WebPage, http: httpx2.Client) -> None:
    before = set(http.get("/v1/programs").text.split('"'))
    for number in range(3):
        page.program(f"prompt left_behind() -> int:\n    return {number}\n")
        page.run()
        assert page.value() == str(number)
        page.browser.run("document.getElementById('run-state').textContent = ''")
    after = set(http.get("/v1/programs").text.split('"'))
    assert len({name for name in after - before if name.startswith("prog_")}) == 1


def test_it_is_worked_by_keys_alone(page: WebPage) -> None:
    browser = page.browser
    focus = "document.activeElement.id"
    for _ in range(12):
        browser.press("Tab")
        if browser.run(focus) == "source":
            break
    assert browser.run(focus) == "source"
    browser.press("a", ctrl=True)
    browser.run("document.activeElement.select()")
    browser.write("prompt f() -> int:")
    browser.press("Enter")
    browser.write("return 6 * 7")
    area = "document.getElementById('source')"
    assert browser.run(f"{area}.value") == "prompt f() -> int:\n    return 6 * 7"
    browser.press("Tab")
    assert browser.run(f"{area}.value.endsWith('7    ')")
    browser.press("Tab", shift=True)
    assert browser.run(f"{area}.value.split('\\n')[1]") == "return 6 * 7    "
    browser.run("document.execCommand('undo')")
    assert browser.run(f"{area}.value.split('\\n')[1]") == "    return 6 * 7    "
    page.wait("#check-state", "no errors")
    browser.press("Escape")
    for _ in range(12):
        browser.press("Tab")
        if browser.run(focus) == "run":
            break
    browser.press("Enter")
    page.wait("#run-state", "completed")
    assert page.value() == "42"
    browser.run("document.getElementById('run-state').textContent = ''")
    browser.run(f"{area}.focus()")
    browser.press("Enter", ctrl=True)
    page.wait("#run-state", "completed")


def test_everything_that_is_worked_has_a_name(page: WebPage) -> None:
    page.program(TYPES)
    page.click("#key-box summary")
    nodes = page.browser.command("Accessibility.getFullAXTree")["nodes"]
    roles = ("button", "textbox", "combobox", "checkbox", "link", "Iframe")
    worked = [node for node in nodes if node.get("role", {}).get("value") in roles]
    assert len(worked) > 15
    assert all(node["name"]["value"].strip() for node in worked), worked


@pytest.mark.parametrize("path", ["/", "/status"])
def test_it_fits_a_small_screen(browser: Browser, server: RunningServer, path: str) -> None:
    page = WebPage(browser, server.url)
    with page.emulated(360, prefers_color_scheme="dark", prefers_reduced_motion="reduce"):
        browser.visit(server.url + path)
        if path == "/":
            page.program(TYPES)
            page.program('prompt f():\n    "' + "long " * 60 + '{name}"\n', "error")
        assert browser.run("document.documentElement.scrollWidth") == 360
        assert browser.run("getComputedStyle(document.body).backgroundColor") == "rgb(21, 23, 27)"
        assert browser.run("document.getAnimations().length") == 0
