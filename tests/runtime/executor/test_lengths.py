"""What a ``gen`` is expected to write, from what it has written."""

from __future__ import annotations

from sglc.runtime.executor.lengths import Lengths


def test_the_first_guess_is_small() -> None:
    assert Lengths().expected(500) == 32
    assert Lengths().expected(5) == 5


def test_nine_of_ten_texts_are_not_longer() -> None:
    lengths = Lengths()
    for number in (*range(1, 10), 100):
        lengths.add(number)
    assert lengths.expected(500) == 100
    lengths.add(1)
    assert lengths.expected(500) == 9
    assert lengths.expected(4) == 4


def test_old_texts_are_forgotten() -> None:
    lengths = Lengths()
    lengths.add(400)
    for _ in range(32):
        lengths.add(3)
    assert lengths.expected(500) == 3
