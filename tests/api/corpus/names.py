"""Names: whose they are, and what they mean where they stand."""

from __future__ import annotations

import dataclasses
import itertools

from generators.python_corpus import case

import sglc


@sglc.function
def said_to_all_once(s, words):
    s += "begin"
    numbers = itertools.count(1)
    forks = s.fork(2)
    forks += str(next(numbers)) + sglc.gen("x", max_tokens=2)
    s += "".join(f["x"] for f in forks) + str(next(numbers))


@sglc.function
def alike_but_not_the_same(s, flag):
    s += "a" + sglc.gen("a", max_tokens=2)
    if s["a"] == "never" or flag:
        n = 1
    else:
        n = True
    m, k = 1, 0.0
    for _ in range(2):
        s += "."
        m, k = 1.0, -0.0
    s += f"{n}{m}{k}"
    return n


@sglc.function
def names_of_others(s, words):
    s += "q"
    forks = s.fork(2)
    for f in forks:
        f += sglc.gen("x", max_tokens=2)
    longest = max(len(f) for f in words)
    ordered = sorted(words, key=lambda s: s[::-1])
    places = {f: i for i, f in enumerate(ordered)}

    def twice(f, s=1):
        return f"{f}{s}" * 2

    s += f"{longest}{places}" + twice("k") + "".join(f["x"] for f in forks)
    s += str([[i for i in range(i + 1)] + [f["x"]] for i, f in enumerate(forks)])  # noqa: C416
    s += str(["".join(str(i) for i in "ab") + f["x"] for i, f in enumerate(forks)])


@sglc.function
def named_like_ours(s):
    s += "q" + sglc.gen("x", max_tokens=2) + sglc.gen("y", max_tokens=3)
    _v0 = len(s["x"]) + 5
    s += str((_v0, s["x"], s["y"].upper(), s["x"], _v0))


@sglc.function
def defined_here(s):
    @dataclasses.dataclass
    class Point:
        x: Unknown  # noqa: F821 - it is text here, as the file says

    def inner(at: Nowhere) -> None:  # noqa: F821
        return at

    s += str(Point(1)) + str(Point) + str(inner.__qualname__) + str(inner.__annotations__)
    s += sglc.gen("x", max_tokens=2)


@sglc.function
def wrong_range(s, step):
    s += "a"
    for i in range(0, 5, 0):
        s += f"{i}"


@sglc.function
def nothing_to_count(s):
    s += "a"
    for i in enumerate():
        s += f"{i}"


@sglc.function
def long_range(s):
    for i in range(10**9):
        s += f"{i}"
        if i == 2:
            break
    s += sglc.gen("x", max_tokens=2)


@sglc.function
def gives_up(s, count):
    done = []

    def walk(size):
        try:
            yield from range(size)
        finally:
            done.append("given up")

    s += "a"
    for i in walk(count):
        s += f"{i}" + sglc.gen("x", max_tokens=1)
        if i == 1:
            break
    done.append("behind")
    after, after_ = [1], [2]
    s += str((after, after_))
    return done


CASES = [
    case(gives_up, 1),
    case(gives_up, 4),
    case(said_to_all_once, ["a"]),
    case(alike_but_not_the_same, True),
    case(alike_but_not_the_same, False),
    case(names_of_others, ["ab", "bca"]),
    case(named_like_ours),
    case(defined_here),
    case(wrong_range, 0, raises=ValueError),
    case(nothing_to_count, raises=TypeError),
    case(long_range),
]
