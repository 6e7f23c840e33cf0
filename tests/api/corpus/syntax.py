"""The syntax of Python between and around what is appended."""

from __future__ import annotations

from generators.python_corpus import case

import sglc


@sglc.function
def comprehensions(s, words):
    s += "Words:" + "".join(f" {w.upper()}" for w in words if len(w) > 1)
    s += str([len(w) for w in words]) + str({w: i for i, w in enumerate(words)})
    s += str(sorted({w[0] for w in words})) + sglc.gen("a", max_tokens=4)
    return [c for c in s["a"] if c.isalpha()], [[y for y in range(x)] for x in range(3)]


@sglc.function
def comprehension_that_appends(s, names):
    s += "List:"
    values = [(s := s.__iadd__(sglc.gen(name, max_tokens=3)))[name] for name in names]
    return values


@sglc.function
def walrus(s, limit):
    s += "Begin"
    if (size := len(s.text())) > limit:
        s += f" long {size}"
    while (turn := len(s.text())) < limit + 20:
        s += sglc.gen(f"t{turn}", max_tokens=3, ignore_eos=True) + "."
    return any((last := n) > 3 for n in range(9)) and last


@sglc.function
def stars(s, first, *rest, sep=", ", **named):
    s += first + sep.join(rest) + sep.join(f"{k}={v}" for k, v in named.items())
    head, *middle, tail = (*rest, first)
    s += f"{head}|{middle}|{tail}" + sglc.gen(*["star"], **{"max_tokens": 4})
    merged = {**named, "extra": [*middle, tail]}
    return merged, s["star"]


@sglc.function
def defaults(s, a="x", b=(1, 2), *, c=None, d: str = "four"):
    """A docstring, annotations and defaults of every kind."""
    size: int = len(b)
    s += f"{a}{b}{c!r}{d}{size}" + sglc.gen("v", max_tokens=3)
    return c is None


@sglc.function
def f_strings(s, x, name):
    s += f"{x:>8.3f}|{x:e}|{name!r:>10}|{{literal}}|{name:*^9}|{x=}|{x:{'+'}.{2}f}"
    s += f"""{name.title()} says {'"quoted"'} {[f"{i}" for i in range(3)]}"""
    s += "%s and %05.1f, {} {:>4}".format("a", "b") % (name, x) + sglc.gen("f", max_tokens=4)
    return f"{s['f']!r}:{len(s['f']):03d}"


@sglc.function
def slices(s, text):
    s += text[1:-1] + text[::-1] + text[:2] * 2 + text[slice(1, 3)]
    s += sglc.gen("g", max_tokens=6)
    got = list(s["g"])
    got[1:3] = ["<", ">"]
    del got[-1:]
    s += "".join(got[::2]) + sglc.gen("h", max_tokens=3)
    return s["g"][-2:]


@sglc.function
def while_else(s, limit):
    count = 0
    while count < limit:
        s += f"{count}:" + sglc.gen(f"w{count}", max_tokens=2)
        count += 1
        if "z" in s[f"w{count - 1}"]:
            s += "stopped"
            break
    else:
        s += "all" + sglc.gen("end", max_tokens=2)
    return count


@sglc.function
def for_else(s, names):
    for name in names:
        if name.startswith("#"):
            continue
        s += name + sglc.gen(name, max_tokens=3)
        if s[name] == "never":
            break
    else:
        s += " no break"
    for _ in ():
        s += "never"
    else:
        s += sglc.gen("last", max_tokens=2)


@sglc.function
def matching(s, thing):
    match thing:
        case {"kind": "point", "at": [x, y]}:
            s += f"point {x},{y}"
        case [first, *rest] if rest:
            s += f"list {first} and {len(rest)}"
        case str() as text:
            s += f"text {text}"
        case int(n) | float(n):
            s += f"number {n}"
        case _:
            s += "something"
    s += sglc.select("pick", ["alpha", "beta", "gamma"])
    match s["pick"]:
        case "alpha":
            s += "1" + sglc.gen("v", max_tokens=3)
        case "beta" | "gamma":
            s += "2" + sglc.gen("v", max_tokens=4)
    return s["pick"]


@sglc.function
def conditions(s, n, text):
    s += "even" if n % 2 == 0 else "odd"
    if 0 < n <= 3 and text or not n:
        s += " small"
    elif n > 100:
        s += " huge"
    else:
        s += " other"
    s += sglc.gen("c", max_tokens=4)
    s += " long" if len(s["c"]) > 3 else " short"
    s += " same" if s["c"] == s["c"] != "" else " empty"
    return bool(s["c"]) and n or text


@sglc.function
def lambdas(s, items):
    shout = lambda x, mark="!": f"{x}{mark}"
    s += shout("go") + shout("no", mark="?")
    for item in sorted(items, key=lambda pair: (-pair[1], pair[0])):
        s += item[0] + ":"
    add = lambda e: s.__iadd__(e)
    add(sglc.gen("l", max_tokens=4))
    return list(map(lambda x: x * 2, filter(None, [0, 1, 2])))


_counter = 0


@sglc.function
def global_and_nonlocal(s, turns):
    global _counter
    total = 0

    def more(n):
        nonlocal total
        total += n
        return f"+{n}"

    _counter = 10
    for i in range(turns):
        _counter += i
        s += more(i) + sglc.gen(f"g{i}", max_tokens=2)
        total += len(s[f"g{i}"])
    return total, _counter


@sglc.function
def nested_functions(s, names):
    def ask(name, size=3):
        nonlocal s
        s += f"\n{name}:" + sglc.gen(name, max_tokens=size)
        return s[name]

    def all_of(them):
        return [ask(each) for each in them]

    first = ask("zero", size=2)
    return first, all_of(names)


@sglc.function
def unpacking(s, pairs):
    (a, b), *others = pairs
    s += f"{a}{b}"
    for i, (key, (low, high)) in enumerate((("k", (1, 2)), ("l", (3, 4)))):
        s += f"{i}{key}{low}{high}"
    x = y = sglc.gen("both", max_tokens=2)
    s += x
    s += y
    a, b = b, a
    return a, b, others, s["both"]


@sglc.function
def small_statements(s, flag):
    assert isinstance(flag, bool), "a flag"
    value = [1, 2, 3]
    value += [4]
    del value[0]
    pass
    if flag:
        import string as letters

        s += letters.ascii_lowercase[:3]
    s += str(value)
    s += sglc.gen("v", max_tokens=3)
    return (lambda: ...)() is Ellipsis, 0x1F, 1_000, 2**5 // 3, not flag


@sglc.function
def numbers(s, x):
    s += str(0.1 + 0.2) + str(1e16) + str(1.0) + str(-0.0) + str(True) + str(None) + str(3 + 4j)
    s += str(x) + repr("it's") + str(b"by") + str((1,)) + str(float("nan")) + str([1.5, "a", None])
    s += sglc.gen("n", max_tokens=3)
    return x / 3, x // 3, x % 3, divmod(7, 2), round(x, 1), 7 & 3 | 8 ^ 1, ~x if x is int else -x


@sglc.function
def try_and_finally(s, bad):
    order = []
    try:
        order.append("try")
        s += "in try" + sglc.gen("t", max_tokens=3)
        if bad:
            raise KeyError(s["t"])
    except KeyError as error:
        order.append(error.args[0])
        s += " caught" + sglc.gen("e", max_tokens=3)
    else:
        s += " fine"
    finally:
        order.append("finally")
        s += " after" + sglc.gen("f", max_tokens=3)
    return order


@sglc.function
def returns_early(s, names):
    try:
        for name in names:
            s += name + sglc.gen(name, max_tokens=3)
            with s.var_scope("scope"):
                s += "(" + sglc.gen(f"in {name}", max_tokens=2) + ")"
            if name == "stop":
                return s["scope"]
        return None
    finally:
        s += " end"


@sglc.function
def text_methods(s, text):
    s += text.strip().replace("a", "o").center(12, ".") + ",".join(reversed(text.split()))
    s += sglc.gen("m", max_tokens=8, stop=" ")
    raw = s["m"]
    s += raw.upper().encode("utf-8", "replace").decode("ascii", "replace") + sglc.gen(max_tokens=2)
    return raw.partition("e"), raw.isalpha(), raw.count("a"), raw in text


@sglc.function
def unicode(s, text):
    s += text + "héllo — ✓ 日本 \u00e9\u0301 \U0001f600" + sglc.gen("u", max_tokens=6)
    s += text[::-1] + sglc.gen("v", max_tokens=6, temperature=1.5)
    return [ord(c) for c in s["v"]]


@sglc.function
def deletes_and_shadows(s, str_):
    list_ = [str_]
    str = list_[0]  # a name of a builtin
    s += str
    del str
    s += f"{len(list_)}" + sglc.gen("d", max_tokens=2)
    for s_ in ("x", "y"):
        s += s_
    return s_


@sglc.function
def renamed_state(s, n):
    t = s
    t += "one"
    u = v = t
    u += sglc.gen("r", max_tokens=3)
    v += "three"
    return s is v, len(s["r"]) <= n * 3, u.text() == s.text()


@sglc.function
def loops_over_values(s, words):
    s += "q" + sglc.gen("x", max_tokens=3)
    last = ""
    for i, c in enumerate(s["x"]):
        s += f"{i}{c}" + sglc.gen("y", max_tokens=1)
        last = c
    for i in range(len(s["x"])):
        s += f"{i}"
    for c, w in zip(s["x"], words, strict=False):
        s += f"{c}{w}"
    forks = s.fork(2)
    forks += sglc.gen("z", max_tokens=2)
    forks.join()
    for text in s["z"]:
        s += f"[{text}]"
    for i, text in enumerate(s["z"], 1):
        if text > "m":
            continue
        s += f"{i}"
    for name, text in [("a", "b"), ("c", "d")]:
        s += f"{name}{text}" + sglc.gen("w", max_tokens=1)
        if s["w"] > "m":
            break
    return last


@sglc.function
def notes_in_a_loop(s, stop):
    notes = []
    for i in range(3):
        s += f"{i}" + sglc.gen("x", max_tokens=1)
        notes.append(s["x"])
        if i == stop:
            return notes
    return notes, s["x"]


@sglc.function
def nothing_before_the_loop(s, words):
    for i in range(2):
        s += f"{i}" + sglc.gen("x", max_tokens=1)
        words.append(s["x"])
    return words, s["x"]


CASES = [
    case(notes_in_a_loop, 1),
    case(notes_in_a_loop, 5),
    case(nothing_before_the_loop, ["a"]),
    case(loops_over_values, ["a", "b"]),
    case(comprehensions, ["an", "apple", "a"]),
    case(comprehension_that_appends, ["p", "q"]),
    case(walrus, limit=3),
    case(walrus, limit=30),
    case(stars, "1", "2", "3", kw="v", other=4),
    case(stars, "1", "2", sep=";"),
    case(defaults),
    case(defaults, "y", c=1, d="5"),
    case(f_strings, x=3.14159, name="ada"),
    case(slices, "abcdef"),
    case(while_else, limit=3),
    case(for_else, ["a", "#b", "c"]),
    case(matching, {"kind": "point", "at": [1, 2]}),
    case(matching, [1, 2, 3]),
    case(matching, "t"),
    case(matching, 2.5),
    case(matching, None),
    case(conditions, 2, "t"),
    case(conditions, 0, ""),
    case(conditions, 101, ""),
    case(lambdas, [("b", 1), ("a", 1), ("c", 3)]),
    case(global_and_nonlocal, 3),
    case(nested_functions, ["one", "two"]),
    case(unpacking, [("a", "b"), ("c", "d")]),
    case(small_statements, flag=True),
    case(numbers, 10.25),
    case(try_and_finally, bad=True),
    case(try_and_finally, bad=False),
    case(returns_early, ["a", "stop", "b"]),
    case(returns_early, ["a"]),
    case(text_methods, "  a banana b "),
    case(unicode, "Ωß"),
    case(deletes_and_shadows, "s"),
    case(renamed_state, 3),
]
