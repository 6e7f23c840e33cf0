"""The page in a browser, as a user sees it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from browser.devtools import Browser


class WebPage:
    """The page of a server. What the browser complains of is collected in ``browser.problems``."""

    def __init__(self, browser: Browser, url: str, path: str = "/") -> None:
        self.browser = browser
        self.url = url
        browser.visit(f"{url}/web/icon.svg")  # of the same origin, and without scripts
        browser.run("sessionStorage.clear()")
        browser.problems.clear()
        browser.visit(url + path)

    def text(self, selector: str) -> str:
        """The text of an element."""
        return str(self.browser.run(f"document.querySelector({json.dumps(selector)}).innerText"))

    def texts(self, selector: str) -> list[str]:
        """The texts of all elements that match, as they are in the document."""
        found = f"[...document.querySelectorAll({json.dumps(selector)})].map((e) => e.textContent)"
        return list(self.browser.run(found))

    def wait(self, selector: str, words: str) -> str:
        """Wait until a shown element has a text in it, and return all of its text."""
        found = f"document.querySelector({json.dumps(selector)})"
        self.browser.wait(
            f"{found} && !{found}.closest('[hidden]')"
            f" && {found}.textContent.includes({json.dumps(words)})"
        )
        return self.text(selector)

    def program(self, source: str, state: str = "no errors") -> None:
        """Write a program in the place of what is there, and wait for what is said of it."""
        self.browser.run("document.getElementById('check-state').textContent = ''")
        self.browser.run("document.getElementById('source').select()")
        self.browser.run("document.getElementById('source').focus()")
        self.browser.write(source)
        self.wait("#check-state", state)

    def fill(self, selector: str, value: str) -> None:
        """Write into a field in the place of what is there."""
        self.browser.run(f"document.querySelector({json.dumps(selector)}).select()")
        self.browser.run(f"document.querySelector({json.dumps(selector)}).focus()")
        self.browser.write(value)

    def click(self, selector: str) -> None:
        """Click, which moves the focus too."""
        self.browser.run(f"document.querySelector({json.dumps(selector)}).focus()")
        self.browser.run(f"document.querySelector({json.dumps(selector)}).click()")

    def run(self, state: str = "completed") -> None:
        """Run the program, and wait for the end."""
        self.click("#run")
        self.wait("#run-state", state)

    def value(self) -> Any:
        """The value that is shown."""
        return self.text("#value pre")

    @contextmanager
    def emulated(self, width: int, **media: str) -> Iterator[None]:
        """Look at it at a width, with features of the medium."""
        features = [{"name": k.replace("_", "-"), "value": v} for k, v in media.items()]
        size = {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": width < 600}
        self.browser.command("Emulation.setDeviceMetricsOverride", **size)
        self.browser.command("Emulation.setEmulatedMedia", features=features)
        try:
            yield
        finally:
            self.browser.command("Emulation.clearDeviceMetricsOverride")
            self.browser.command("Emulation.setEmulatedMedia", features=[])
