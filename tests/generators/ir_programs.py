"""Random well-formed modules that always end: for round trips, the verifier, differential tests.

``modules()`` draws a module whose entry is ``main(%x: str, %n: int)``; ``TOOLS`` are the functions
it may call. Functions call only functions made before them, loops are short, and effectful tools
are called where program order is the only order.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from hypothesis import strategies as st

from sglc.compiler.ir.builder import FunctionBuilder, ModuleBuilder, RegionBuilder
from sglc.compiler.ir.graph import Module, ToolDecl
from sglc.compiler.ir.op import Operand, Symbol, Value, operand
from sglc.compiler.ir.values import (
    ANY,
    BOOL,
    BRANCH,
    EFFECT,
    GROUP,
    INT,
    NUMBER,
    STR,
    STREAM,
    ValueType,
    from_type,
    list_of,
)
from sglc.compiler.plan.seeds import BY_STREAM
from sglc.constraints import types as t

ENTRY = "main"
ARGUMENTS = {"x": "what", "n": 2}

TYPES: tuple[t.Type, ...] = (
    t.Line(),
    t.Word(),
    t.Int(0, 99),
    t.Bool(),
    t.Str(max=5),
    t.Str(min=1, max=3, chars="[a-c]"),
    t.Regex("(ab|c){1,3}"),
    t.Union((t.Literal("yes"), t.Literal("no"), t.Literal("not yet"))),
    t.Optional(t.Int(1, 3)),
    t.List(t.Int(0, 9), 1, 2),
    t.Record((t.Field("a", t.Int(0, 9)), t.Field("b c", t.Literal("x")))),
)
"""Constraints with short members."""

_READ = ToolDecl(
    name="read", params=(("key", t.Str()),), result=t.Str(), effect="readonly", source="lib:read"
)
_NOTE = ToolDecl(name="note", params=(("line", t.Str()),), result=t.Str(), timeout_s=1.5)


def read(key: str) -> str:
    """Fails for some keys, always for the same."""
    if len(key) % 5 == 4:
        raise LookupError(f"no {key!r}")
    return f"<{key[:8]}>"


def make_tools(log: list[str]) -> dict[str, Callable[..., str]]:
    """The tools of a run; effectful calls are written to ``log``."""

    def note(line: str) -> str:
        log.append(line)
        return f"#{len(log)}"

    return {"read": read, "note": note}


_texts = st.text(st.sampled_from("ab c\n%é"), max_size=6)


@st.composite
def modules(draw: st.DrawFn, *, num_functions: int = 2, size: int = 5) -> Module:
    """Draw a module; ``size`` bounds the statements of a block."""
    module = ModuleBuilder("random.sgl", config={"model": "hash", "temperature": 0.5})
    module.tool(_READ)
    module.tool(_NOTE)
    prompts: list[str] = []
    for index in range(draw(st.integers(0, num_functions))):
        _function(draw, module, f"p{index}", prompts, size - 2)
        prompts.append(f"p{index}")
    _function(draw, module, ENTRY, prompts, size)
    return module.finish()


def _function(
    draw: st.DrawFn, module: ModuleBuilder, name: str, prompts: Sequence[str], size: int
) -> None:
    typed = draw(st.booleans())
    f = module.function("prompt", name, t.Str() if typed else None)
    x = f.param("x", t.Str(), *([] if name == ENTRY else ["dflt"]))
    n = f.param("n", t.Int(0, 5), 1)
    block = _Block(draw, f, prompts, size, depth=0, effects=name == ENTRY)
    block.stream = f.one("stream")
    block.texts, block.ints = [x], [n]
    block.put("start")
    block.statements()
    block.end_role()
    value = block.text()
    if typed:
        f.emit("return", block.stream, result=value)
    else:
        f.emit("return", block.stream, last=value, count=block.number())
    f.finish()


class _Block:
    """Emits statements into the open region; knows the values that can be used there."""

    def __init__(
        self, draw: st.DrawFn, f: FunctionBuilder, prompts: Sequence[str], size: int, *,
        depth: int, effects: bool = False,
    ) -> None:  # fmt: skip
        self.draw = draw
        self.f = f
        self.prompts = prompts
        self.size = size
        self.depth = depth
        self.effects = effects
        self.effect: Value | None = None
        self.stream: Value = Value("none", STREAM)
        self.role: str | None = None
        self.texts: list[Value] = []
        self.ints: list[Value] = []
        self.lists: list[Value] = []
        self.may_return = True

    def inner(self, **changes: Any) -> _Block:
        block = _Block(self.draw, self.f, self.prompts, max(1, self.size - 2), depth=self.depth + 1)
        block.stream, block.role = self.stream, self.role
        block.texts, block.ints = list(self.texts), list(self.ints)
        block.lists, block.may_return = list(self.lists), self.may_return
        for key, value in changes.items():
            setattr(block, key, value)
        return block

    # ---- operands

    def text(self) -> Operand:
        return operand(self.draw(st.sampled_from(self.texts) if self.texts else _texts))

    def number(self) -> Operand:
        return operand(self.draw(st.one_of(st.integers(0, 4), st.sampled_from(self.ints))))

    def items(self) -> Operand:
        if self.lists and self.draw(st.booleans()):
            return self.draw(st.sampled_from(self.lists))
        count = self.draw(st.integers(0, 3))
        return operand([self.text() for _ in range(count)])

    def condition(self) -> Value:
        if self.draw(st.booleans()):
            return self.f.one("cmp", self.number(), self.number(), op=self.draw(_orders))
        return self.f.one("in", self.draw(_texts), self.text())

    # ---- statements

    def statements(self) -> None:
        for _ in range(self.draw(st.integers(1, self.size))):
            names = _FLAT if self.depth >= 2 else _FLAT + _NESTED
            getattr(self, "do_" + self.draw(st.sampled_from(names)))()

    def put(self, value: object) -> None:
        self.stream = self.f.one("put", self.stream, value)

    def end_role(self) -> None:
        if self.role is not None and self.depth == 0:
            self.stream = self.f.one("role.end", self.stream, role=self.role)
            self.role = None

    def do_put(self) -> None:
        self.put(self.draw(_texts) if self.draw(st.booleans()) else self.text())

    def do_hint(self) -> None:
        self.f.emit(self.draw(st.sampled_from(["warm", "release"])), self.stream)

    def do_child(self) -> None:
        number = self.draw(st.sampled_from([(), (0,), (3,)]))
        self.stream = self.f.one("child", self.stream, *number)

    def do_markup(self) -> None:
        parts = [self.draw(_texts), "<|im_end|>", self.draw(_texts)]
        self.stream = self.f.one("markup", self.stream, operand(parts))

    def do_role(self) -> None:
        if self.depth:
            return self.do_put()
        self.end_role()
        self.role = self.draw(st.sampled_from(["system", "user", "assistant"]))
        self.stream = self.f.one("role.begin", self.stream, role=self.role)
        return None

    def do_gen(self) -> None:
        attrs: dict[str, Any] = {"max_tokens": self.draw(st.integers(1, 6))}
        kwargs: dict[str, Any] = {}
        value_type: ValueType = STR
        kind = self.draw(st.integers(0, 3))
        if kind == 0:
            type_ = self.draw(st.sampled_from(TYPES))
            attrs |= {"constraint": self.f.module.constraint(type_), "max_tokens": 16}
            value_type = from_type(type_)
        elif kind == 1:
            kwargs["choices"] = operand([self.draw(_choices), "yes"])
            attrs["max_tokens"] = 9
        if self.draw(st.booleans()):
            attrs |= self.draw(_sampling)
        if self.draw(st.integers(0, 3)) == 0:
            attrs["stop"] = tuple(self.draw(st.lists(_texts.filter(bool), min_size=1, max_size=2)))
        if self.draw(st.integers(0, 3)) == 0:
            kwargs["temperature"] = self.f.one("const", self.draw(_temperatures), types=NUMBER)
            attrs.pop("temperature", None)
        attrs["rng"] = BY_STREAM if self.draw(st.integers(0, 3)) == 0 else self.f.site()
        op = self.f.emit(
            "gen", self.stream, types=[STREAM, value_type], hint=("s", "v"), attrs=attrs,
            kwargs=kwargs,
        )  # fmt: skip
        self.stream = op.results[0]
        self.keep(op.results[1])

    def keep(self, value: Value) -> None:
        if value.type == STR:
            self.texts.append(value)
        elif value.type == INT:
            self.ints.append(value)
        else:
            self.texts.append(self.f.one("format", value))

    def do_select(self) -> None:
        choices = self.draw(st.lists(_choices, min_size=1, max_size=3))
        by = self.draw(st.sampled_from(["token_avg", "greedy", "unconditional", "all"]))
        method = {"tokenizations": "all"} if by == "all" else {"by": by}
        self.stream, value, _ = self.f.emit(
            "select", self.stream, choices, **method, hint=("s", "pick", "probs")
        ).results
        self.texts.append(value)

    def do_data(self) -> None:
        match self.draw(st.integers(0, 9)):
            case 9:
                self.texts.append(self.f.one("text", self.stream))
            case 8:
                self.texts.append(self.f.one("format", self.f.one("messages", self.stream)))
            case 7:
                bounds = self.draw(st.sampled_from([(0, 2), (None, -1), (1, None)]))
                part = self.f.one("slice.list", self.text(), *bounds, types=STR)
                self.texts.append(part)
            case 6:
                made = self.f.one("list", self.text(), self.text(), types=list_of(STR))
                self.texts.append(self.f.one("index", made, -1, types=STR))
            case 5:
                self.ints.append(self.f.one("neg", self.number(), types=INT))
            case 0:
                op = self.draw(st.sampled_from("+-*"))
                self.ints.append(
                    self.f.one("arith", self.number(), self.number(), op=op, types=INT)
                )
            case 1:
                self.ints.append(self.f.one("apply", self.text(), fn="len", types=INT))
            case 2:
                self.texts.append(self.f.one("concat", self.text(), "+", self.number()))
            case 3:
                record = self.f.one("record", kwargs={"a": self.text(), "b c": 1})
                self.texts.append(self.f.one("field", record, name="a", types=STR))
            case _:
                self.lists.append(self.f.one("range", 1, self.draw(st.integers(0, 3))))

    def do_list(self) -> None:
        with self.f.region("body", params=[("item", ANY)]) as body:
            text = self.f.one("concat", body.params[0], "!")
            self.f.emit("yield", text)
        found = self.f.one("map", self.items(), regions=[body], types=list_of(STR))
        if self.draw(st.booleans()):
            with self.f.region("body", params=[("item", STR)]) as body:
                self.f.emit("yield", self.f.one("in", "a", body.params[0]))
            found = self.f.one("filter", found, regions=[body], types=list_of(STR))
        self.lists.append(found)

    def do_slice(self) -> None:
        before = self.stream
        self.do_put()
        self.texts.append(self.f.one("slice", before, self.stream))

    def do_check(self) -> None:
        if self.draw(st.booleans()):
            self.f.emit("check", self.condition(), "checked")
        else:
            self.f.emit("check", True)

    def do_read(self) -> None:
        attrs = {"must": True} if self.draw(_rarely) else {}
        read = Symbol("read")
        self.texts.append(self.f.one("tool", read, key=self.text(), types=STR, attrs=attrs))

    def do_note(self) -> None:
        if not self.effects:
            return self.do_read()
        op = self.f.emit(
            "tool", Symbol("note"), kwargs={"line": self.text()}, types=[EFFECT, STR],
            effect=True, after=self.effect,
        )  # fmt: skip
        self.effect = op.results[0]
        self.texts.append(op.results[1])
        return None

    def do_call(self) -> None:
        if not self.prompts:
            return self.do_data()
        name = Symbol(self.draw(st.sampled_from(self.prompts)))
        args = [self.text()] if self.draw(st.booleans()) else []
        value = self.f.one("call", name, *args, n=self.number(), rng=self.f.site(), hint="c")
        self.texts.append(self.f.one("format", value))
        return None

    def do_include(self) -> None:
        if not self.prompts or self.role is not None:
            return self.do_put()
        name = Symbol(self.draw(st.sampled_from(self.prompts)))
        op = self.f.emit("include", self.stream, name, self.text(), rng=self.f.site())
        self.stream = op.results[0]
        self.texts.append(self.f.one("format", op.results[1]))
        return None

    def arm(self, label: str, case: Any = (), *, may_leave: bool = True) -> RegionBuilder:
        with self.f.region(label, case) as region:
            block = self.inner(may_return=self.may_return and may_leave)
            block.statements()
            if may_leave and block.may_return and self.role is None and self.draw(_rarely):
                block.leave()
            elif may_leave and self.draw(_rarely):
                self.f.emit("fail", block.text())
            else:
                self.f.emit("yield", block.stream, block.text())
        return region

    def leave(self) -> None:
        if self.f.result is not None:
            self.f.emit("return", self.stream, result=self.text())
        else:
            self.f.emit("return", self.stream, early=self.text())

    def joined(self, name: str, *args: object, regions: Sequence[RegionBuilder]) -> None:
        op = self.f.emit(name, *args, regions=regions, types=[STREAM, STR], hint=("s", "r"))
        self.stream = op.results[0]
        self.texts.append(op.results[1])

    def do_if(self) -> None:
        condition = self.condition()
        self.joined("if", condition, regions=[self.arm("do"), self.arm("else")])

    def do_match(self) -> None:
        subject = self.text()
        cases = [self.arm("case", ("yes", "ab")), self.arm("case", "no")]
        self.joined("match", subject, regions=[*cases, self.arm("else")])

    def do_try(self) -> None:
        self.joined("try", regions=[self.arm("body"), self.arm("else", may_leave=False)])

    def loop(self, name: str, first: object, lead: list[tuple[str | None, ValueType]]) -> None:
        start = self.text()
        params = [*lead, ("s", STREAM), ("acc", STR)]
        with self.f.region("body", params=params) as body:
            block = self.inner(may_return=False)
            block.stream = body.params[-2]
            block.texts.append(body.params[-1])
            for value in body.params[:-2]:
                block.keep(value)
            if name == "while":
                self.f.emit("cond", block.condition())
            block.statements()
            if self.draw(st.booleans()):
                block.maybe_break()
                if self.draw(st.booleans()):
                    block.statements()
            self.f.emit("yield", block.stream, block.text())
        attrs = {"index": True} if len(lead) == 2 else {}
        op = self.f.emit(
            name, first, self.stream, start, regions=[body], types=[STREAM, STR],
            hint=("s", "r"), attrs=attrs,
        )  # fmt: skip
        self.stream = op.results[0]
        self.texts.append(op.results[1])

    def maybe_break(self) -> None:
        condition = self.condition()
        with self.f.region("do") as do:
            block = self.inner(may_return=False)
            if self.depth < 3 and self.draw(st.booleans()):
                block.statements()
            word = self.draw(st.sampled_from(["break", "break", "continue"]))
            self.f.emit(word, block.stream, block.text())
        with self.f.region("else") as rest:
            self.f.emit("yield")
        self.f.emit("if", condition, regions=[do, rest])

    def do_for(self) -> None:
        lead: list[tuple[str | None, ValueType]] = [("item", ANY)]
        if self.draw(st.booleans()):
            lead.append(("i", INT))
        self.loop("for", self.items(), lead)

    def do_while(self) -> None:
        self.loop("while", self.draw(st.integers(0, 3)), [])

    def do_fork(self) -> None:
        params: list[tuple[str | None, ValueType]] = [("b", STREAM), ("item", ANY)]
        if self.draw(st.booleans()):
            params.append(("i", INT))
        with self.f.region("branch", params=params) as body:
            block = self.inner(stream=body.params[0], may_return=False)
            for value in body.params[1:]:
                block.keep(value)
            block.statements()
            self.f.emit("yield", block.stream, got=block.text(), size=block.number())
        items = self.items()
        group = self.f.one("fork", self.stream, items, regions=[body], types=GROUP, hint="g")
        self.lists.append(self.f.one("field", group, name="got", types=list_of(STR)))
        if isinstance(items, tuple) and items and self.draw(st.booleans()):
            branch = self.f.one("pick", group, -1, hint="b")
            self.take(branch)

    def take(self, branch: Value) -> None:
        self.texts.append(self.f.one("field", branch, name="text", types=STR))
        if self.draw(st.booleans()):
            self.stream = self.f.one("field", branch, name="stream", types=STREAM)

    def do_named(self) -> None:
        regions = []
        for name in ("pro", "con"):
            with self.f.region("branch", name, [("b", STREAM)]) as body:
                block = self.inner(stream=body.params[0], may_return=False)
                block.statements()
                self.f.emit("yield", block.stream, got=block.text())
            regions.append(body)
        record = ValueType("record", fields=(("pro", BRANCH), ("con", BRANCH)))
        sides = self.f.one("fork", self.stream, regions=regions, types=record, hint="sides")
        self.take(self.f.one("field", sides, name="con", types=BRANCH))

    def do_side(self) -> None:
        before, stream, role = self.stream, self.stream, self.role
        self.do_gen()
        branch = self.f.one("branch", before, self.stream, kwargs={"got": self.text()}, hint="j")
        self.stream, self.role = stream, role
        self.texts.append(self.f.one("field", branch, name="got", types=STR))

    def do_all(self) -> None:
        values = [self.condition(), self.condition()]
        both = self.f.one(self.draw(st.sampled_from(["and", "or"])), *values, types=BOOL)
        self.texts.append(self.f.one("format", self.f.one("negate", both, types=BOOL)))


_orders = st.sampled_from(["==", "!=", "<", "<=", ">", ">="])
_choices = st.sampled_from(["yes", "no", "not yet", "é", "a b"])
_temperatures = st.sampled_from([0, 0.5, 1.5])
_rarely = st.integers(0, 5).map(lambda n: n == 0)
_sampling = st.fixed_dictionaries(
    {"temperature": _temperatures},
    optional={
        "top_p": st.sampled_from([0.5, 1.0]),
        "top_k": st.sampled_from([-1, 1, 5]),
        "min_p": st.sampled_from([0.0, 0.25]),
        "frequency_penalty": st.sampled_from([0.5, -1.0]),
        "presence_penalty": st.sampled_from([1.0]),
        "repetition_penalty": st.sampled_from([1.25]),
        "min_tokens": st.sampled_from([0, 1]),
        "healing": st.booleans(),
    },
)
_FLAT = [
    "put", "role", "markup", "gen", "gen", "select", "data", "data", "data", "list", "slice",
    "check", "read", "note", "call", "include", "side", "all", "hint", "child", "child",
]  # fmt: skip
_NESTED = ["if", "match", "try", "for", "while", "fork", "named"]
