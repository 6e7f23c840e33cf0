"""The page of a server with keys: it says what is missing, and works with one."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from browser.devtools import Browser
from generators.servers import RunningServer, start_server
from generators.web_pages import WebPage

from sglc.server.web.files import web_files

KEY = "a key of the page"


@pytest.fixture(scope="module")
def locked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    running = start_server(tmp_path_factory.mktemp("locked"), "--api-key", KEY)
    yield running
    assert running.stop() == 0, running.log.read_text()


def test_a_key_is_asked_for_and_used_everywhere(browser: Browser, locked: RunningServer) -> None:
    page = WebPage(browser, locked.url)
    page.wait("#trouble", "asks for an API key")
    page.fill("#key", "wrong")
    browser.press("Enter")
    page.wait("#trouble", "does not know this API key")
    page.fill("#key", KEY)
    browser.press("Enter")
    page.wait("#check-state", "no errors")
    assert page.browser.run("document.getElementById('trouble').hidden")
    page.run()
    page.click("#viz summary")
    assert browser.frame("/web/viewer.html")("origin") == "null"
    page.click("#to-status")
    page.wait("#status-state", "live")
    browser.visit(locked.url + "/status")  # the key is that of the tab
    page.wait("#status-state", "live")
    assert browser.run("[document.cookie, localStorage.length, location.search]") == ["", 0, ""]
    assert KEY not in locked.log.read_text()


def luminance(color: str) -> float:
    channels = [int(color[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return sum(weight * c for weight, c in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_colours_can_be_told_apart(theme: str) -> None:
    """WCAG 2.2: 4.5 for text, 3 for edges and lines."""
    css = "".join(web_files()[name].data.decode() for name in ("page.css", "editor.css"))
    colors: dict[str, str] = {}
    for block in re.finditer(
        r"(@media \(prefers-color-scheme: dark\) \{\s*)?:root \{(.*?)\}", css, re.S
    ):
        if block[1] is None or theme == "dark":
            colors |= dict(re.findall(r"--([\w-]+): (#[0-9a-f]{3,6})", block[2]))
    full = {k: v if len(v) == 7 else "#" + "".join(c * 2 for c in v[1:]) for k, v in colors.items()}

    def contrast(one: str, other: str) -> float:
        low, high = sorted((luminance(full[one]), luminance(full[other])))
        return (high + 0.05) / (low + 0.05)

    texts = ["ink", "soft", "error", "warning", "good", *(n for n in full if n.startswith("t-"))]
    assert len(texts) == 12
    ratios = {f"{text} on card": contrast(text, "card") for text in texts}
    ratios |= {f"{text} on paper": contrast(text, "paper") for text in ("ink", "soft")}
    ratios |= {f"{text} on faint": contrast(text, "faint") for text in ("ink", "soft")}
    ratios["a button"] = contrast("on-main", "main")
    assert {name: ratio for name, ratio in ratios.items() if ratio < 4.5} == {}
    lines = {
        name: contrast(name, "card") for name in ("edge", "focus", "main", "series-0", "series-1")
    }
    assert {name: ratio for name, ratio in lines.items() if ratio < 3} == {}
