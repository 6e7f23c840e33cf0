"""Programs that call programs, run others, recurse, wait, and go wrong."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor

from generators.python_corpus import case

import sglc


@sglc.function
def ask(s, name, size=3):
    s += f"[{name}]" + sglc.gen(name, max_tokens=size)
    return s[name]


@sglc.function
def calls_on_the_same_state(s, names):
    answers = [ask(s, name) for name in names]
    ask(s, name="kw", size=2)
    with s.user():
        ask(s, "inside")
    for child in s.fork(2):
        answers.append(ask(child, "child"))
    return answers


short = ask.bind(size=1)


@sglc.function
def bound(s):
    return short(s, "b"), ask.bind(name="given")(s), short(s, "c", size=2)


@sglc.function
def countdown(s, n):
    s += f"{n} " + sglc.gen(f"n{n}", max_tokens=2)
    if n:
        return [s[f"n{n}"], *countdown(s, n - 1)]
    return []


@sglc.function
def mutual(s, n):
    def even(k):
        nonlocal s
        s += "e"
        return True if not k else odd(k - 1)

    def odd(k):
        nonlocal s
        s += "o" + sglc.gen(f"o{k}", max_tokens=2)
        return False if not k else even(k - 1)

    return even(n)


@sglc.function
def runs_inside(s, question, backend=None):
    inner = ask.run("inner", size=4, seed=5, backend=backend)
    s += question + inner["inner"] + sglc.gen("outer", max_tokens=3)
    again = ask(name="called", backend=backend)
    s += again.text() + sglc.gen("end", max_tokens=2)
    return inner.text(), again.ret_value


@sglc.function
def returns_expressions(s, which):
    def tail():
        return " then " + sglc.gen("tail", max_tokens=3) + "."

    e = {"a": sglc.gen("v", max_tokens=1), "b": sglc.select("v", ["p", "q"])}[which]
    s += which + e + tail()
    return s["v"]


@sglc.function
def waits(s, names):
    async def one(state, name):
        state += name + sglc.gen(name, max_tokens=2)
        await asyncio.sleep(0)
        return state[name]

    async def all_of():
        forks = s.fork(len(names))
        return await asyncio.gather(*(one(f, n) for f, n in zip(forks, names, strict=True)))

    async def stream():
        for name in names:
            yield name
            await asyncio.sleep(0)

    async def collected():
        return [name async for name in stream()]

    s += "w"
    found = asyncio.run(all_of())
    s += ",".join(asyncio.run(collected())) + sglc.gen("end", max_tokens=2)
    return found


@sglc.function
def threads_of_children(s, n):
    s += "t"
    forks = s.fork(n)

    def work(i):
        fork = forks[i]
        fork += f"{i}" + sglc.gen("v", max_tokens=i + 1)
        return fork["v"]

    with ThreadPoolExecutor(n) as pool:
        values = list(pool.map(work, range(n)))
    thread = threading.Thread(target=lambda: values.append(s.text()))
    thread.start()
    thread.join()
    forks.join()
    s += "".join(s["v"]) + sglc.gen("end", max_tokens=2)
    return values


class Refusal(Exception):
    def __init__(self, text):
        super().__init__(text)
        self.text = text


@sglc.function
def exceptions_with_values(s, names):
    def check(name):
        nonlocal s
        s += name + sglc.gen(name, max_tokens=3)
        if len(name) > 1:
            raise Refusal(s[name])

    seen = []
    for name in names:
        try:
            check(name)
        except Refusal as refusal:
            seen.append(refusal.text)
            s += " refused " + refusal.text
            try:
                raise ValueError(name) from refusal
            except ValueError as error:
                seen.append(type(error.__cause__).__name__)
    s += sglc.gen("end", max_tokens=2)
    return seen


@sglc.function
def exception_in_a_role(s):
    s += sglc.system("s")
    for name in ("a", "b"):
        try:
            with s.user():
                s += name + sglc.gen(name, max_tokens=2)
                if name == "a":
                    raise Refusal("no")
        except Refusal:
            s += sglc.assistant("sorry")
    return s.messages()


@sglc.function
def exception_groups(s):
    try:
        s += "g" + sglc.gen("g", max_tokens=2)
        raise ExceptionGroup("two", [ValueError(s["g"]), KeyError("k")])
    except* ValueError as group:
        s += f" {len(group.exceptions)}"
    except* KeyError:
        s += " key"
    return s["g"]


@sglc.function
def raises(s, text):
    s += text + sglc.gen("r", max_tokens=3)
    raise Refusal(f"refused {s['r']}")


@sglc.function
def asks_for_a_value_that_is_not_there(s):
    s += "x" + sglc.gen("there", max_tokens=2)
    try:
        return s["elsewhere"]
    except KeyError as error:
        return str(error), s.get_var("there"), "elsewhere" in s


@sglc.function
def goes_on_behind_a_failure(s):
    s.set_var("mine", 1)
    s += sglc.gen("lost", max_tokens=2)
    s += "more" + sglc.gen("lost too", max_tokens=2)
    for name in ("lost", "lost too"):
        try:
            s[name]
        except sglc.RunFailed as error:
            s.set_var(f"why {name}", "nothing to go on from" in str(error))
    return s["mine"], s["why lost"], s["why lost too"], s.error() is None


@sglc.function
def one_fork_fails(s, picture):
    s += "x"
    forks = s.fork(2)
    forks[0] += sglc.image(picture) + sglc.gen("v", max_tokens=2)
    forks[1] += "fine" + sglc.gen("v", max_tokens=2)
    s += forks[1]["v"] + sglc.gen("w", max_tokens=2)
    try:
        return forks[0]["v"]
    except sglc.RunFailed as error:
        return "text only" in str(error)


@sglc.function
def too_long_for_the_budget(s):
    s += "x"
    with s.copy() as other:
        other += sglc.gen("r", regex="[a-z]{30}", max_tokens=5)
    s += sglc.gen("fine", max_tokens=3)
    try:
        s["r"]
    except sglc.RunFailed:
        return True
    return False


@sglc.function
def values_read_long_after(s, n):
    for i in range(n):
        s += f"{i}" + sglc.gen(f"v{i}", max_tokens=2)
    s += "end"
    return [s[f"v{i}"] for i in reversed(range(n))], s.get_meta_info("v0")["completion_tokens"]


@sglc.function
def values_set(s, items):
    s.set_var("items", items)
    s.set_var("size", len(s["items"]))
    s += f"{s['size']} {s['items']}" + sglc.gen("v", max_tokens=s["size"])
    s.set_var("v", s["v"] + "!")
    s += s["v"]
    return s["v"], s.get_var("items") is items, sorted(s.variables)


@sglc.function
def self_refinement(s, question, rounds):
    s += question + "\n"
    for i in range(rounds):
        s += f"Draft {i}:" + sglc.gen("draft", max_tokens=6, stop="\n") + "\n"
        reviews = s.fork(2)
        for who, review in zip("AB", reviews, strict=True):
            review += f"{who}:" + sglc.gen("verdict", choices=["ok", "bad"])
        if all(review["verdict"] == "ok" for review in reviews):
            break
        s += "Problem:" + sglc.gen("problem", max_tokens=4) + "\n"
    return s["draft"], i


CASES = [
    case(ask, "alone"),
    case(calls_on_the_same_state, ["a", "b"]),
    case(bound),
    case(countdown, 4),
    case(mutual, 5),
    case(runs_inside, "q"),
    case(returns_expressions, "a"),
    case(returns_expressions, "b"),
    case(waits, ["p", "q", "r"]),
    case(threads_of_children, 4),
    case(exceptions_with_values, ["a", "bb", "c"]),
    case(exception_in_a_role),
    case(exception_groups),
    case(raises, "t", raises=Refusal),
    case(asks_for_a_value_that_is_not_there),
    case(goes_on_behind_a_failure),
    case(one_fork_fails, b"\x89PNG\r\n\x1a\n"),
    case(too_long_for_the_budget),
    case(values_read_long_after, 4),
    case(values_set, ["x", 2]),
    case(self_refinement, "Why?", 3),
]
