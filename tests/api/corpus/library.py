"""Code of the standard library's style between what is appended."""

from __future__ import annotations

import ast
import bisect
import collections
import contextvars
import copy
import csv
import datetime
import enum
import functools
import heapq
import io
import itertools
import json
import operator
import random
import re
import statistics
import string
import struct
import textwrap
import types
import typing
from fractions import Fraction

from generators.python_corpus import case

import sglc


@sglc.function
def with_itertools(s, items):
    for key, group in itertools.groupby(sorted(items, key=len), key=len):
        s += f"{key}:{','.join(group)};"
    for a, b in itertools.pairwise(items):
        s += a[0] + b[0]
    names = itertools.count(1)
    for _, name in zip(range(3), names, strict=False):
        s += sglc.gen(f"i{name}", max_tokens=2)
    return list(itertools.accumulate(len(s[f"i{n}"]) for n in (1, 2, 3)))


@sglc.function
def with_functools(s, words):
    s += functools.reduce(lambda a, b: f"({a}{b})", words)
    short = functools.partial(sglc.gen, max_tokens=2)
    s += short("a") + short("b", max_tokens=3)

    @functools.singledispatch
    def shown(value):
        return f"?{value}"

    @shown.register
    def _(value: int):
        return f"#{value}"

    s += shown(3) + shown("x") + short("c")
    return functools.cmp_to_key(lambda a, b: b - a)(1) < functools.cmp_to_key(lambda a, b: b - a)(0)


@sglc.function
def with_re(s, text):
    for match in re.finditer(r"(?P<word>\w+)=(\d+)", text):
        s += f"{match['word']}->{int(match[2]) + 1} "
    s += sglc.gen("r", max_tokens=8)
    found = re.sub(r"[aeiou]", lambda m: m[0].upper(), s["r"])
    s += re.escape(found) + sglc.gen("q", max_tokens=2)
    return re.split(r"[\s,]+", text), found


@sglc.function
def with_json(s, data):
    s += json.dumps(data, indent=1, sort_keys=True) + sglc.gen("j", regex=r'\{"n": [0-9]{1,3}\}')
    made = json.loads(s["j"])
    s += json.dumps({**data, "made": made["n"] * 2}) + sglc.gen("k", max_tokens=2)
    return made


@sglc.function
def with_collections(s, words):
    counts = collections.Counter(words)
    groups = collections.defaultdict(list)
    for word in words:
        groups[word[0]].append(word)
    s += ",".join(f"{w}{n}" for w, n in counts.most_common(2)) + str(dict(groups))
    queue = collections.deque(["a", "b"], maxlen=3)
    while queue:
        name = queue.popleft()
        s += name + sglc.gen(name, max_tokens=2)
        if name == "a":
            queue.append("c")
    point = collections.namedtuple("Point", "x y")(1, y=2)
    chained = collections.ChainMap({"a": 1}, {"a": 2, "b": 3})
    return point, chained["b"], collections.OrderedDict(x=1)


class Mood(enum.Enum):
    GOOD = "good"
    BAD = "bad"


@sglc.function
def with_enum(s):
    s += "mood:" + sglc.gen("mood", choices=[mood.value for mood in Mood])
    mood = Mood(s["mood"])
    match mood:
        case Mood.GOOD:
            s += "!" + sglc.gen("x", max_tokens=2)
        case Mood.BAD:
            s += "?" + sglc.gen("x", max_tokens=3)
    return mood.name


@sglc.function
def with_heaps(s, items):
    heap = [(len(w), w) for w in items]
    heapq.heapify(heap)
    ordered = []
    while heap:
        size, word = heapq.heappop(heap)
        s += word + sglc.gen(word, max_tokens=2)
        bisect.insort(ordered, s[word])
        if size == 3:
            heapq.heappush(heap, (9, "pushed"))
    return ordered, heapq.nlargest(1, items)


@sglc.function
def with_text(s, text):
    s += (
        textwrap.dedent("""\
        indented
          more
        """)
        + textwrap.fill(text, 10)
        + textwrap.shorten(text, 12)
    )
    s += string.Template("$who likes $what").substitute(who="Ann", what="tea")
    s += string.capwords(text) + sglc.gen("t", max_tokens=4)
    out = io.StringIO()
    csv.writer(out).writerow([s["t"], 'qu"ote', 1])
    print("printed", s["t"], file=out, end="")
    s += out.getvalue() + sglc.gen("u", max_tokens=2)
    return out.getvalue().splitlines()


@sglc.function
def with_numbers(s, values):
    s += f"{statistics.mean(values)} {statistics.median(values)} {Fraction(3, 4) + 1}"
    s += f"{datetime.date(2024, 2, 28) + datetime.timedelta(days=2):%Y/%m/%d}"
    s += f"{datetime.timedelta(hours=25)}" + sglc.gen("n", regex="[1-9][0-9]?")
    number = int(s["n"])
    s += f"{number:#x} {number:b} {number / 7:.2%}" + sglc.gen("m", max_tokens=2)
    return struct.unpack("<H", struct.pack("<H", number)), sum(values, start=number)


@sglc.function
def with_random(s, items):
    order = random.Random(7)
    shuffled = items[:]
    order.shuffle(shuffled)
    for item in shuffled:
        s += item + sglc.gen(item, max_tokens=1 + order.randrange(3))
    return shuffled


@sglc.function
def with_operator(s, rows):
    for row in sorted(rows, key=operator.itemgetter("b", "a")):
        s += operator.concat(row["a"], str(row["b"]))
    s += sglc.gen("o", max_tokens=2)
    add = operator.iadd
    s = add(s, "by hand")
    s = operator.iadd(s, sglc.gen("p", max_tokens=2))
    return operator.methodcaller("upper")(s["o"]), operator.attrgetter("ret_value")(s)


level = contextvars.ContextVar("level", default=0)


@sglc.function
def with_context(s, n):
    def deeper():
        token = level.set(level.get() + 1)
        try:
            return f"level {level.get()}"
        finally:
            level.reset(token)

    s += contextvars.copy_context().run(deeper) + deeper() + sglc.gen("c", max_tokens=2)
    return level.get()


@sglc.function
def with_copies(s, data):
    shallow, deep = copy.copy(data), copy.deepcopy(data)
    data["list"].append("new")
    s += f"{shallow}{deep}" + sglc.gen("c", max_tokens=2)
    view = types.MappingProxyType(deep)
    return list(view), typing.get_type_hints(Mood)


@sglc.function
def with_reflection(s, source):
    tree = ast.parse(source, mode="eval")
    s += ast.unparse(tree) + f" = {eval(source, {'x': 3})}"
    names = sorted(n.id for n in ast.walk(tree) if isinstance(n, ast.Name))
    scope = {}
    exec("def twice(t): return t * 2", scope)
    s += scope["twice"]("ab") + getattr(sglc, "gen")("r", max_tokens=2)
    setattr(types, "_none", None) if False else None
    return names, sorted(k for k in locals() if k != "s"), type(s["r"]).__name__


CASES = [
    case(with_itertools, ["aa", "b", "cc", "ddd"]),
    case(with_functools, ["x", "y", "z"]),
    case(with_re, "a=1, bb=22 c"),
    case(with_json, {"b": [1, None, True], "a": {"é": 1.5}}),
    case(with_collections, ["ab", "ac", "ab", "bd"]),
    case(with_enum),
    case(with_heaps, ["three", "one", "to"]),
    case(with_text, "the quick brown fox"),
    case(with_numbers, [1, 2, 4]),
    case(with_random, ["a", "b", "c", "d"]),
    case(with_operator, [{"a": "x", "b": 2}, {"a": "y", "b": 1}]),
    case(with_context, 1),
    case(with_copies, {"list": [1]}),
    case(with_reflection, "x * (x + 1)"),
]
