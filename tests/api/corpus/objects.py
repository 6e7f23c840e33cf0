"""Classes, decorators, context managers, generators and closures that have to do with states."""

from __future__ import annotations

import functools
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field

from generators.python_corpus import case

import sglc


class Interview:
    """Holds a state, and asks."""

    greeting = "Hello"

    def __init__(self, state, size=3):
        self.state = state
        self.size = size
        self.answers = {}

    def ask(self, name):
        self.state += f"\n{name}?" + sglc.gen(name, max_tokens=self.size)
        self.answers[name] = self.state[name]
        return self

    @property
    def longest(self):
        return max(self.answers.values(), key=len)

    @classmethod
    def of(cls, state):
        return cls(state, size=4)

    @staticmethod
    def mark(text):
        return f"<{text}>"

    def __len__(self):
        return len(self.answers)


@sglc.function
def state_in_an_attribute(s, names):
    talk = Interview.of(s)
    s += talk.greeting
    for name in names:
        talk.ask(name).ask(name + "2")
    s += Interview.mark(talk.longest) + sglc.gen("end", max_tokens=2)
    return len(talk), talk.answers


class Judge:
    """Has programs as methods."""

    def __init__(self, scale):
        self.scale = scale

    def program(self):
        scale = self.scale

        @sglc.function
        def judged(s, essay):
            s += essay + " grade:" + sglc.gen("grade", choices=scale)
            return s["grade"] in scale

        return judged

    def append_to(self, s, essay):
        s += essay + sglc.gen("note", max_tokens=3)
        return s["note"]


@sglc.function
def methods(s, essay):
    judge = Judge(["A", "B"])
    note = judge.append_to(s, essay)
    is_known = judge.program()(s, "again")
    return note, is_known, s["grade"]


@dataclass
class Turn:
    question: str
    answer: str = ""
    tags: list[str] = field(default_factory=list)


@sglc.function
def dataclasses_of_turns(s, questions):
    turns = [Turn(q) for q in questions]
    for number, turn in enumerate(turns):
        s += sglc.user(turn.question)
        s += sglc.assistant(sglc.gen(f"a{number}", max_tokens=4))
        turn.answer = s[f"a{number}"]
        turn.tags.append(str(len(turn.answer)))
    s += sglc.user(repr(turns[0]))
    return [(turn.answer, turn.tags) for turn in turns]


def shouting(function):
    """A decorator below ``@sglc.function``."""

    @functools.wraps(function)
    def wrapper(s, *args, **kwargs):
        s += "BEGIN "
        result = function(s, *args, **kwargs)
        s += " END"
        return result

    return wrapper


def with_options(**options):
    """A decorator with arguments, on top of or below the other."""

    def decorate(function):
        @functools.wraps(function)
        def wrapper(s, *args, **kwargs):
            return function(s, *args, **{**options, **kwargs})

        return wrapper

    return decorate


@sglc.function
@with_options(size=2)
@shouting
def decorated_below(s, text, size=5):
    s += text + sglc.gen("d", max_tokens=size)
    return size


@functools.lru_cache(maxsize=None)
def _times(n):
    return n * 2


@sglc.function
def decorated_helpers(s, n):
    @functools.lru_cache
    def suffix(k):
        calls.append(k)
        return "." * k

    calls = []
    for i in (1, 2, 1, n):
        s += suffix(i) + sglc.gen(f"h{i}", max_tokens=_times(1))
    return calls


@contextmanager
def tagged(s, name):
    s += f"<{name}>"
    yield f"in {name}"
    s += f"</{name}>"


class Section:
    def __init__(self, state, title):
        self.state, self.title = state, title

    def __enter__(self):
        self.state += f"# {self.title}\n"
        return self

    def __exit__(self, kind, error, trace):
        self.state += "---" if error is None else f"!{kind.__name__}"
        return kind is ValueError


@sglc.function
def context_managers(s, names):
    with tagged(s, "doc") as inside, Section(s, "t") as section:
        s += inside + section.title + sglc.gen("c", max_tokens=3)
    with Section(s, "bad"):
        s += sglc.gen("d", max_tokens=2)
        raise ValueError
    with ExitStack() as stack:
        for name in names:
            stack.enter_context(tagged(s, name))
        s += sglc.gen("e", max_tokens=2)
    with suppress(ZeroDivisionError):
        s += f"{1 / (len(names) - len(names))}"
    return s["e"]


def opened(s, names):
    """A generator that yields states."""
    for name in names:
        child = s.fork(1)[0]
        child += f"{name}:"
        yield name, child


@sglc.function
def generators_of_states(s, names):
    s += "g"
    kept = []
    for name, child in opened(s, names):
        child += sglc.gen("v", max_tokens=3)
        kept.append(child)
        s += f"{name} "
    texts = (child["v"] for child in kept)
    s += next(texts) + sglc.gen("w", max_tokens=2)
    return list(texts), [child.text() for child in kept]


@sglc.function
def a_generator_that_appends(s, n):
    def steps():
        try:
            sent = ""
            for i in range(n):
                nonlocal s
                s += f"{i}{sent}" + sglc.gen(f"v{i}", max_tokens=2)
                sent = yield s[f"v{i}"]
        finally:
            s += " closed"

    running = steps()
    first = next(running)
    second = running.send(first.upper())
    running.close()

    def all_of():
        yield from (first, second)

    return list(all_of())


@sglc.function
def closures(s, names):
    makers = []
    for name in names:

        def make(name=name):
            return sglc.gen(name, max_tokens=2)

        makers.append(make)
    for make in makers:
        s += make() + ","

    def counter():
        count = 0

        def up():
            nonlocal count
            count += 1
            return f"{count}"

        return up

    up = counter()
    s += up() + up() + sglc.gen("n", max_tokens=2)
    return up()


class Fluent:
    """Operators of its own."""

    def __init__(self, s):
        self.s = s

    def __lshift__(self, other):
        self.s += other
        return self

    def __call__(self, name):
        return self.s[name]

    def __bool__(self):
        return False


@sglc.function
def operators(s):
    f = Fluent(s)
    f << "a" << sglc.gen("x", max_tokens=2) << "b" << sglc.gen("y", max_tokens=2)
    return f("x"), f("y"), "true" if f else "false"


class Meta(type):
    def __new__(mcs, name, bases, space):
        return super().__new__(mcs, name, bases, {**space, "tag": name.lower()})


@sglc.function
def class_bodies(s, n):
    class Local(metaclass=Meta):
        value = n * 2
        items = [i for i in range(3)]

        def show(self):
            return f"{self.tag}{self.value}{self.items}"

    class Child(Local):
        def show(self):
            return super().show() + "!"

    s += Local().show() + Child().show() + sglc.gen("k", max_tokens=3)
    return isinstance(Child(), Local)


class Prompt(str):
    """A text of a type of its own."""

    __slots__ = ()


@sglc.function
def texts_of_another_type(s, text):
    s += Prompt(text) + sglc.gen("p", max_tokens=2)
    s += Prompt(text)
    s += Prompt("x") + Prompt("y") + sglc.gen("q", max_tokens=2)
    return type(s["p"]) is str


CASES = [
    case(state_in_an_attribute, ["who", "why"]),
    case(methods, "essay"),
    case(dataclasses_of_turns, ["one?", "two?"]),
    case(decorated_below, "t"),
    case(decorated_below, "t", size=4),
    case(decorated_helpers, 3),
    case(context_managers, ["a", "b"]),
    case(generators_of_states, ["x", "y", "z"]),
    case(a_generator_that_appends, 4),
    case(closures, ["p", "q"]),
    case(operators),
    case(class_bodies, 4),
    case(texts_of_another_type, "sub"),
]
