"""Random well-typed programs in the language, as source text; they always end.

``programs()`` draws a file whose entry is ``main(x: str = "what", n: int = 2)``. It calls the tools
``look`` (read-only, fails for some keys) and ``note`` (effectful), which ``make_tools`` provides.
Names are bound before they are read, loops are short, calls go only to prompts made before.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from hypothesis import strategies as st

HEAD = """\
@readonly
tool look(key: str) -> str
tool note(line: str) -> str
let NESTED = "start: /a/ start /b/ | /x/"
let NEST = {type: "array", maxItems: 1, items: {"$ref": "#"}}
type Card = {a: int(0..9), "b c": "x" | "yy"}
fn twice(s: str) -> str = s + s
fn count(xs: list[int], at_least: int = 1) -> int = len([x for x in xs if x >= at_least])
"""
_GENS = {
    "text": (
        "line, max_tokens=4",
        "word, max_tokens=3",
        "str(max=3)",
        "/(ab|c){1,2}/",
        '"pa" | "qq"',
    ),
    "int": ("int(0..9)", "int(1..3)"),
    "list": ("list[int(0..9)](min=1, max=2)",),
    "bool": ("bool",),
    "maybe": ("int(0..3)?",),
}
_NESTED = ("grammar(NESTED), max_tokens=5", "schema(NEST), max_tokens=40")
_OPTIONS = ("", "", ", temperature=1", ", temperature=0.7, top_k=5", ', stop="a"')
_LETTERS = st.sampled_from(["a", "b ", "é", "\\n", "{{", '\\"', "<|x|>", "1"])


def look(key: str) -> str:
    """Fails for some keys, always for the same."""
    if len(key) % 5 == 4:
        raise LookupError(f"no {key!r}")
    return f"<{key[:6]}>"


def make_tools(log: list[str]) -> dict[str, Callable[..., str]]:
    """The tools of a run; effectful calls are written to ``log``."""

    def note(line: str) -> str:
        log.append(line)
        return f"#{len(log)}"

    return {"look": look, "note": note}


@dataclass
class _Names:
    """The names that are bound at a point, by kind."""

    text: tuple[str, ...] = ()
    int: tuple[str, ...] = ()
    list: tuple[str, ...] = ()
    bool: tuple[str, ...] = ()
    maybe: tuple[str, ...] = ()
    group: tuple[str, ...] = ()
    card: tuple[str, ...] = ()

    def get(self, kind: str) -> tuple[str, ...]:
        found: tuple[str, ...] = getattr(self, kind)
        return found

    def bind(self, kind: str, name: str) -> None:
        setattr(self, kind, (*self.get(kind), name))


@dataclass
class _Place:
    """Where a statement stands, and what it may do there."""

    names: _Names
    depth: int = 0
    role: bool = False
    loop: bool = False
    branch: bool = False
    keeps: tuple[str, ...] = ()

    def inner(self, **changes: object) -> _Place:
        place = replace(self, names=replace(self.names), depth=self.depth + 1)
        return replace(place, **changes)  # type: ignore[arg-type]  # fields by name


@dataclass
class _Writer:
    draw: st.DrawFn
    returns: bool
    prompts: Mapping[str, bool]  # whether it calls an effectful tool
    chat: bool
    lines: list[str] = field(default_factory=list)
    fresh: int = 0

    def pick(self, *options: str) -> str:
        return self.draw(st.sampled_from(options))

    def callable(self, place: _Place) -> list[str]:
        """The prompts to call here: effects in branches have no order, so there are none."""
        return [
            name for name, effectful in self.prompts.items() if not (effectful and place.branch)
        ]

    def name(self, place: _Place, kind: str) -> str:
        """A new name, or one of this kind to bind again; it is bound by the caller."""
        known = [n for n in place.names.get(kind) if "." not in n and "[" not in n]
        if known and self.draw(st.integers(0, 2)) == 0:
            return self.draw(st.sampled_from(known))
        self.fresh += 1
        return f"{kind}{self.fresh}"

    # ---- expressions

    def text(self, place: _Place, depth: int = 0) -> str:
        words = "".join(self.draw(st.lists(_LETTERS, max_size=3)))
        options = [f'"{words}"', *place.names.text, *place.names.text]
        if depth < 2:
            options += [
                f"twice({self.text(place, 2)})",
                f"({self.text(place, 2)} + {self.text(place, 2)})",
                f'"<{{{self.int(place, 1)}}}{{{self.text(place, 2)}}}>"',
                f"(try look({self.text(place, 2)}) else {self.text(place, 2)})",
                f"({self.text(place, 2)} if {self.bool(place, 1)} else {self.text(place, 2)})",
                f"{self.text(place, 2)}[:2]",
                f'join([{self.text(place, 2)}, str({self.int(place, 1)})], ",")',
            ]
            options += [f'{card}["b c"]' for card in place.names.card]
        return self.draw(st.sampled_from(options))

    def int(self, place: _Place, depth: int = 0) -> str:
        options = [str(self.draw(st.integers(0, 5))), *place.names.int, *place.names.int]
        if depth < 2:
            options += [f"len({self.text(place, 2)})", f"({self.int(place, 2)} + 1)"]
            options += [f"sum({xs})" for xs in place.names.list]
            options += [f"count({xs}, at_least=2)" for xs in place.names.list]
            options += [f"({m} if {m} != none else 7)" for m in place.names.maybe]
            options += [f"{card}.a" for card in place.names.card]
            options += [f"len({group})" for group in place.names.group]
        return self.draw(st.sampled_from(options))

    def bool(self, place: _Place, depth: int = 0) -> str:
        first = place.names.text[0]
        options = [
            f"{self.int(place, 2)} {self.pick('<', '>=')} {self.int(place, 2)} + len({first})",
            f"len({self.text(place, 2)}) > {self.int(place, 2)}",
            *place.names.bool,
        ]
        if depth < 2:
            options += [f"not ({self.bool(place, 2)})"]
            options += [f"({self.bool(place, 2)} {self.pick('and', 'or')} {self.bool(place, 2)})"]
            options += [f"({m} if {m} != none else 1) > 1" for m in place.names.maybe]
        return self.draw(st.sampled_from(options))

    def list(self, place: _Place) -> str:
        noted = f'[len(note("{{i}}{self.pick("", "z")}")) for i in 1..2]'
        options = [
            f"[{self.int(place)}, {self.int(place)}]",
            f"[i + {self.int(place)} for i in 1..{self.int(place, 2)} if i < 4]",
            "[1]" if place.branch else noted,
            *place.names.list,
        ]
        options += [f"[b.v + 1 for b in {group}]" for group in place.names.group]
        options += [f"{group}.v" for group in place.names.group]
        return self.draw(st.sampled_from(options))

    def value(self, place: _Place, kind: str) -> str:
        if kind == "maybe":
            return f"{self.int(place)} if {self.bool(place)} else none"
        return str(getattr(self, kind)(place))

    # ---- statements

    def block(self, place: _Place, least: int = 1) -> None:
        for _ in range(self.draw(st.integers(least, max(least, 4 - place.depth)))):
            self.statement(place)

    def say(self, place: _Place, line: str) -> None:
        self.lines.append("    " * (place.depth + 1) + line)

    def nested(self, place: _Place, head: str, **changes: object) -> _Place:
        """Write a block under ``head``; return what its names are at its end."""
        self.say(place, head)
        inner = place.inner(**changes)
        for kind, name in _bound_by(head):
            inner.names.bind(kind, name)
        self.block(inner)
        return inner

    def statement(self, place: _Place) -> None:
        options = ["text", "text", "gen", "gen", "bind", "hole", "select", "tool", "check", "card"]
        options += ["nest"]
        if place.depth < 3:
            options += ["if", "if", "match", "for", "turns", "while", "fork", "fork", "named"]
            options += ["side", "span", "with", "maybe", "router", "vote", "vote"]
            if self.chat and not place.role:
                options += ["role", "role", "role"]
        if place.loop:
            options += ["jump"]
        if not place.branch and place.depth:
            options += ["return"]
        if place.keeps:
            options += ["keep", "keep"]
        if self.callable(place):
            options += ["call", "include", "calls"]
        getattr(self, "_" + self.pick(*options))(place)

    def _text(self, place: _Place) -> None:
        self.say(place, f'"t{{{self.text(place)}}}{{{self.int(place)}}}"')

    def _gen(self, place: _Place) -> None:
        kind = self.pick(*_GENS)
        type_ = self.pick(*_GENS[kind])
        options = self.pick(*_OPTIONS[: 4 if kind != "text" else 5])
        name = self.name(place, kind)
        self.say(place, f"{name} = gen({type_}{options})")
        place.names.bind(kind, name)

    def _nest(self, place: _Place) -> None:
        self.fresh += 1
        name = f"nest{self.fresh}"
        self.say(place, f"{name} = gen({self.pick(*_NESTED)}{self.pick(*_OPTIONS[:4])})")

    def _hole(self, place: _Place) -> None:
        name = self.name(place, "int")
        self.say(place, f'"h{{{name} = gen(int(0..9))}}/{{{name}}}"')
        place.names.bind("int", name)

    def _bind(self, place: _Place) -> None:
        kind = self.pick("text", "int", "list", "bool", "maybe")
        value, name = self.value(place, kind), self.name(place, kind)
        self.say(place, f"{name} = {value}")
        place.names.bind(kind, name)

    def _select(self, place: _Place) -> None:
        name = self.name(place, "text")
        by = self.pick("", ', by="greedy"', ', by="unconditional"', ', tokenizations="all"')
        choices = self.pick('"k", "lm", "n"', f'["u", "v" + str({self.int(place)})]')
        self.say(place, f"{name} = select({choices}{by})")
        if self.draw(st.booleans()):
            self.say(place, f'"{{probs({name})}}"')
        place.names.bind("text", name)

    def _card(self, place: _Place) -> None:
        name = self.name(place, "card")
        value = self.pick("gen(Card)", f'{{a: {self.int(place)}, "b c": "x"}}')
        self.say(place, f"{name} = {value}")
        place.names.bind("card", name)

    def _tool(self, place: _Place) -> None:
        name = self.name(place, "text")
        how = self.draw(st.integers(0, 5))
        if how == 0:
            self.say(place, f"{name} = look({self.text(place)})")
        elif how == 1:
            self.say(place, f"_ = look({self.text(place)})")
            return
        elif place.branch or how < 4:
            self.say(place, f'{name} = try look({self.text(place)}) else "-"')
        else:
            self.say(place, f"{name} = note({self.text(place)})")
        place.names.bind("text", name)

    def _check(self, place: _Place) -> None:
        self.say(place, f'check {self.int(place)} < 40, "bad {{{self.int(place)}}}"')

    def _if(self, place: _Place) -> None:
        self.nested(place, f"if {self.bool(place)}:")
        for _ in range(self.draw(st.integers(0, 1))):
            self.nested(place, f"elif {self.bool(place)}:")
        if self.draw(st.booleans()):
            self.nested(place, "else:")

    def _match(self, place: _Place) -> None:
        self.say(place, f"match len({self.text(place)}):")
        inner = place.inner()
        self.nested(inner, "0, 1:")
        self.nested(inner, "2:")
        if self.draw(st.booleans()):
            self.nested(inner, "else:")

    def _for(self, place: _Place) -> None:
        name = self.name(place, "int")
        over = self.pick(f"1..{self.pick('2', '3')}", self.list(place))
        index = self.pick("", "k0, ")
        self.nested(place, f"for {index}{name} in {over}:", loop=True)

    def _turns(self, place: _Place) -> None:
        """Turns over what is known, which an arm leaves before more is done."""
        name = self.name(place, "int")
        self.say(place, f"for {name} in 1..{self.pick('2', '3')}:")
        inner = place.inner(loop=True)
        inner.names.bind("int", name)
        self.statement(inner)
        for _ in range(self.draw(st.integers(1, 2))):
            self.say(inner, f"if {self.pick(f'{name} > 1 and ', '')}{self.bool(inner)}:")
            arm = inner.inner()
            self.statement(arm)
            self.say(arm, self.pick("break", "break", "continue"))
            self.statement(inner)

    def _while(self, place: _Place) -> None:
        self.nested(place, f"while {self.bool(place)} limit {self.pick('0', '2', '3')}:", loop=True)

    def _maybe(self, place: _Place) -> None:
        """A name that is bound on one path is none on the other."""
        self.fresh += 1
        name = f"maybe{self.fresh}"
        inner = place.inner()
        self.say(place, f"if {self.bool(place)}:")
        self.say(inner, f"{name} = {self.int(place)}")
        place.names.bind("maybe", name)

    def _fork(self, place: _Place) -> None:
        self.fresh += 1
        name = f"group{self.fresh}"
        head = f"fork i in {self.pick('1..2', '0..2', '[3, 5]')} as {name}:"
        inner = self.nested(place, head, branch=True, loop=False, keeps=())
        self.say(inner, f"v = {self.int(inner)}")
        place.names.bind("group", name)
        place.keeps += (f"{name}[{self.pick('0', '-1')}]", f"best({name}, by=.v)")
        place.names.bind("text", f"{name}[0].text")

    def _vote(self, place: _Place) -> None:
        """A fork or a list of calls of which a built-in reads all there is."""
        self.fresh += 1
        group = f"vote{self.fresh}"
        reader = self.pick("majority", "any", "all", "max", "min", "best", "keep", "calls")
        types = {"any": ("bool",), "all": ("bool",), "majority": ("int(0..2)", '"k" | "l"', "bool")}
        if reader == "calls":
            self._asked(place)
            return
        type_ = self.pick(*types.get(reader, ("int(1..3)", "int(8..10)")))
        self.say(place, f"fork i in 1..{self.pick('2', '3', '5')} as {group}:")
        inner = place.inner(branch=True, loop=False, keeps=())
        inner.names.bind("int", "i")
        if self.draw(st.integers(0, 3)) == 0:
            self.block(inner)
        elif self.draw(st.booleans()):
            self.say(inner, f'"{{i}}{{gen(str(max=6){self.pick(*_OPTIONS[:4])})}}"')
        if self.draw(st.booleans()):
            self.say(inner, f"s{self.fresh} = try look({self.text(inner)}) else {self.text(inner)}")
        self.say(inner, f'" v{{i}}: {{v = gen({type_}{self.pick(*_OPTIONS[:4])})}}"')
        if reader == "keep":
            self.say(place, f"keep best({group}, by=.v)")
            return
        kind = "bool" if type_ == "bool" else "text" if type_[0] == '"' else "int"
        name = self.name(place, kind)
        value = f"best({group}, by=.v).v" if reader == "best" else f"{reader}({group}.v)"
        self.say(place, f"{name} = {value}")
        place.names.bind(kind, name)

    def _asked(self, place: _Place) -> None:
        """Votes of calls, where there is something to call."""
        if not self.callable(place):
            return self._gen(place)
        name, prompt = self.name(place, "text"), self.pick(*self.callable(place))
        self.say(place, f'{name} = majority([{prompt}("{{i}}") for i in 1..{self.pick("2", "3")}])')
        return place.names.bind("text", name)

    def _named(self, place: _Place) -> None:
        self.fresh += 1
        name = f"pair{self.fresh}"
        self.say(place, f"fork as {name}:")
        labels = place.inner()
        for label in ("l", "r"):
            inner = self.nested(labels, f"{label}:", branch=True, loop=False, keeps=())
            self.say(inner, f"v = {self.int(inner)}")
        for label in ("l", "r"):
            place.names.bind("int", f"{name}.{label}.v")
            place.keeps += (f"{name}.{label}",)

    def _side(self, place: _Place) -> None:
        self.fresh += 1
        name = f"side{self.fresh}"
        inner = self.nested(place, f"side as {name}:", branch=True, loop=False, keeps=())
        self.say(inner, f"v = {self.int(inner)}")
        place.names.bind("int", f"{name}.v")
        place.names.bind("text", f"{name}.text")
        place.keeps += (name,)

    def _router(self, place: _Place) -> None:
        """A decision made beside the stream: the arms could begin before it."""
        self.fresh += 1
        name = f"route{self.fresh}"
        how = self.pick("side", "side", "tool", "call")
        kind = f"len({name}) % 3"
        if how == "side":
            self.say(place, f"side as {name}:")
            self.say(place.inner(), f"k = gen(int(0..2){self.pick(*_OPTIONS[:4])})")
            kind = f"{name}.k"
        elif how == "call" and self.callable(place):
            call = f"{self.pick(*self.callable(place))}({self.text(place)})"
            self.say(place, f'{name} = try {call} else "-"')
        else:
            self.say(place, f'{name} = try look({self.text(place)}) else "-"')
        if self.draw(st.booleans()):
            self._arm(place, f"if {kind} {self.pick('< 1', '> 0')}:")
            if self.draw(st.booleans()):
                self._arm(place, "else:")
            return
        self.say(place, f"match {kind}:")
        for head in ("0:", self.pick("1:", "1, 2:"), "else:"):
            self._arm(place.inner(), head)

    def _arm(self, place: _Place, head: str) -> None:
        inner = self.nested(place, head)
        if self.draw(st.integers(0, 3)) == 0:
            self.say(inner, f'check {self.int(inner)} < {self.pick("1", "3")}, "arm"')

    def _span(self, place: _Place) -> None:
        self.fresh += 1
        name = f"text{self.fresh}"
        self.nested(place, f"span {name}:", keeps=())
        place.names.bind("text", name)

    def _with(self, place: _Place) -> None:
        options = f"temperature={self.pick('0.5', '1')}, max_tokens={self.int(place)} + 3"
        self.nested(place, f"with {options}:")

    def _role(self, place: _Place) -> None:
        head = self.pick("user:", "assistant:", "system:", 'role "tool":')
        self.nested(place, head, role=True, keeps=())

    def _jump(self, place: _Place) -> None:
        self.say(place, f"if {self.bool(place)}: {self.pick('break', 'continue')}")

    def _return(self, place: _Place) -> None:
        value = f" {self.text(place)}" if self.returns else ""
        self.say(place, f"if {self.bool(place)}: return{value}")

    def _keep(self, place: _Place) -> None:
        self.say(place, f"keep {self.pick(*place.keeps)}")

    def _call(self, place: _Place) -> None:
        name = self.name(place, "text")
        call = f"{self.pick(*self.callable(place))}({self.text(place)})"
        self.say(place, f"{name} = {self.pick(call, f'try {call} else str(1)')}")
        place.names.bind("text", name)

    def _calls(self, place: _Place) -> None:
        name = self.name(place, "text")
        prompt = self.pick(*self.callable(place))
        self.say(place, f'{name} = join([{prompt}("{{i}}") for i in 1..2], "+")')
        place.names.bind("text", name)

    def _include(self, place: _Place) -> None:
        name = self.name(place, "text")
        call = (
            f"include {self.pick(*self.callable(place))}({self.text(place)}, k={self.int(place)})"
        )
        self.say(place, f"{name} = {call}")
        place.names.bind("text", name)


def _bound_by(head: str) -> list[tuple[str, str]]:
    """The integers that a loop or a fork binds for its block."""
    words = head.replace(",", "").split()
    if words[0] == "for" or words[:2] == ["fork", "i"]:
        return [("int", word) for word in words[1 : words.index("in")]]
    return []


@st.composite
def programs(draw: st.DrawFn, *, num_routers: int = 0) -> str:
    """Draw the text of a program, in it ``num_routers`` decisions made beside the stream."""
    texts = [HEAD]
    prompts: dict[str, bool] = {}
    for index in range(draw(st.integers(0, 2))):
        writer = _Writer(draw, True, dict(prompts), chat=False)
        place = _Place(_Names(text=("s",), int=("k",)))
        writer.say(place, '"P{s}"')
        writer.block(place)
        writer.say(place, f"return {writer.text(place)}")
        lines = "\n".join(writer.lines)
        texts.append(f"prompt p{index}(s: str, k: int = 1) -> str:\n{lines}\n")
        effectful = [name for name, changes in prompts.items() if changes]
        prompts[f"p{index}"] = any(f"{name}(" in lines for name in ("note", *effectful))
    returns = draw(st.booleans())
    writer = _Writer(draw, returns, prompts, chat=draw(st.booleans()))
    place = _Place(_Names(text=("x",), int=("n",)))
    writer.say(place, '"begin{n}"')
    writer.block(place, least=2)
    for _ in range(num_routers):
        writer._router(place)
    writer.say(place, '"end"')
    if returns:
        writer.say(place, f"return {writer.text(place)}")
    lines = "\n".join(writer.lines)
    arrow = " -> str" if returns else ""
    texts.append(f'prompt main(x: str = "what", n: int = 2){arrow}:\n{lines}\n')
    return "\n".join(texts)
