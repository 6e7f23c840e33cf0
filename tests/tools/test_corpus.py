"""The corpus of the embedded model is deterministic, right, and keeps its held-out sums."""

import json
import re
from itertools import islice
from random import Random

import pytest

from tools.corpus import arithmetic, characters, copying, judging
from tools.corpus.arithmetic import held_out, held_out_pairs
from tools.corpus.facts import CAPITALS
from tools.corpus.mixture import COPYING, MIXTURE, NUMBERED, documents
from tools.corpus.text import END_OF_TEXT, Generator, plain

EQUATION = re.compile(r"(\d+) ?([-+*/x]|plus|minus|times|divided by) ?(\d+) = (\d+)")


def _sample(count: int, seed: int = 5, mixture: dict[Generator, float] | None = None) -> list[str]:
    return [plain(text) for text in islice(documents(seed, mixture), count)]


def test_seed_fixes_the_documents() -> None:
    assert _sample(500) == _sample(500)
    assert _sample(500) != _sample(500, seed=6)


def test_capitals_of_every_country() -> None:
    assert len(CAPITALS) >= 190
    assert all(name and capital for name, capital in CAPITALS.items())


@pytest.mark.parametrize(
    "generator", MIXTURE | COPYING | NUMBERED, ids=lambda g: f"{g.__module__}.{g.__name__}"
)
def test_document_is_clean(generator: Generator) -> None:
    rng = Random(3)
    for _ in range(100):
        text = plain(generator(rng))
        assert text.isascii()
        assert text.endswith("\n")
        assert END_OF_TEXT not in text
        assert text.count("<|im_start|>") == text.count("<|im_end|>")


def test_equations_are_right() -> None:
    values = {"+": "__add__", "-": "__sub__", "*": "__mul__", "x": "__mul__", "/": "__floordiv__"}
    words = {"plus": "+", "minus": "-", "times": "*", "divided by": "/"}
    count = 0
    for text in _sample(3000) + _sample(1000, mixture=COPYING):
        for a, op, b, value in EQUATION.findall(text):
            assert getattr(int(a), values[words.get(op, op)])(int(b)) == int(value)
            count += 1
    assert count > 1000


def test_held_out_sums_never_appear() -> None:
    asked = re.compile(r"(\d+) ?(?:\+|plus) ?(\d+)|(?:sum of|add) (\d+) and (\d+)")
    for text in _sample(6_000) + _sample(3_000, mixture=COPYING):
        for groups in asked.findall(text):
            a, b = (group for group in groups if group)
            assert not held_out(int(a), int(b)), text


def test_held_out_is_over_a_quarter_and_symmetric() -> None:
    pairs = held_out_pairs()
    assert len(pairs) == 2232
    assert all((b, a) in set(pairs) for a, b in pairs[:50])


def test_cards_are_json_with_keys_in_order() -> None:
    rng = Random(1)
    for _ in range(50):
        text = plain(characters.form(rng))
        card = json.loads(text[text.index("{") : text.rindex("}") + 1])
        assert list(card) == ["name", "house", "blood status", "wand", "alive", "patronus"]
        assert list(card["wand"]) == ["wood", "core", "length"]


def test_arithmetic_weights_mark_the_value_only() -> None:
    text = arithmetic.sums(Random(2))
    marked = re.findall("\x02(.*?)\x03", text)
    assert marked == [row.split(" = ")[1] for row in plain(text).splitlines()]


def test_verdict_is_json() -> None:
    rng = Random(4)
    texts = (plain(judging.essay(rng)) for _ in range(200))
    found = [text for text in texts if "Write the verdict as JSON." in text]
    for text in found:
        verdict = json.loads(text[text.rindex("{") : text.rindex("}") + 1])
        assert list(verdict) == ["summary", "grade"]
    assert found


def test_expanded_tip_is_the_one_with_the_number() -> None:
    rng = Random(7)
    firsts = {title: text.split()[:2] for title, (text, *_) in copying.ALL_TIPS}
    count = 0
    for _ in range(300):
        text = plain(copying.tips(rng))
        titles = re.findall(r"\d\. ([^.]+)\.", text.partition("\n")[0])
        for n, told in re.findall(r"expand tip (\d) into a paragraph:\n(.*)\n", text):
            title = titles[int(n) - 1]
            first = firsts.get(title, title.capitalize().split())
            assert told.split()[: len(first)] == first
            count += 1
    assert count > 300


def test_numbered_tips_have_one_order() -> None:
    rng = Random(9)
    texts = [plain(copying.canonical(rng)) for _ in range(300)]
    orders = {text.partition("\n")[0] for text in texts}
    assert len(orders) == len({order.partition(":")[0] for order in orders}) > 3
    opening = {1: "A balanced diet", 2: "Regular exercise"}
    asked = re.compile(r"tip (\d) into a paragraph:\n(.*)\n")
    told = [each for text in texts if "Balanced Diet" in text for each in asked.findall(text)]
    assert len(told) > 100
    assert all(body.startswith(opening[int(n)]) for n, body in told)


def test_item_asked_back_is_the_one_with_the_number() -> None:
    rng = Random(8)
    for _ in range(100):
        text = plain(copying.items(rng))
        words = re.findall(r"\d\. ([^.]+)\.", text.partition("\n")[0])
        asked = re.findall(r"repeat \w+ (\d):\n(.*)\.\n", text)
        assert asked
        assert all(words[int(n) - 1] == word for n, word in asked)
