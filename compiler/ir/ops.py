"""The ops: one declaration each. What they mean in detail is said in ``docs/ir.md``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from sglc.compiler.ir.spec import Exit, OpSpec, RegionSpec, slots
from sglc.compiler.ir.values import (
    ANY,
    BOOL,
    BRANCH,
    GROUP,
    INT,
    LIST,
    MESSAGES,
    NUMBER,
    STR,
    STREAM,
    ValueType,
    list_of,
)

SAMPLING: Final = {
    "temperature": "number",
    "top_p": "number",
    "top_k": "int",
    "min_p": "number",
    "frequency_penalty": "number",
    "presence_penalty": "number",
    "repetition_penalty": "number",
    "min_tokens": "int",
}
"""Sampling options of ``gen``: attributes when constant, keyword operands when computed."""

GEN_OPTIONS: Final = {"max_tokens": "int", "stop": "strs", "healing": "bool", **SAMPLING}
HINTS: Final = {"hold": "bool", "group": "str", "insert": "bool"}
"""What passes tell the runtime about a model op: whether its stream goes on (pass ``script``),
which others are ready at the same moment (pass ``fuse``), and whether its K/V goes into the cache
when its stream ends (pass ``kv``). Hints change no result."""
DECODE_HINTS: Final = {"expect": "int", "jump": "bool"}
"""And about a decode: how many bytes it surely or probably writes (pass ``bounds``), and whether
text that the constraint forces is appended at once (pass ``jump``)."""
SEAMS: Final = ("canonical", "repair")
"""How the ids behind a decode are made (pass ``seams``): by the tokenizer from all text so far, or
those that the model wrote, up to the commit point of the text that follows."""
_PATH: Final = {"path": "site"}
"""Of an op that stands for one of other turns, branches or calls: which, see ``plan/sites.py``."""
UNTIL: Final = ("majority", "any", "all", "goal", "first_goal")
"""What may end a ``fork`` or ``map`` early (pass ``decide``): the only reader of its values makes
this of them, where it finds them by the path ``of``. ``goal``: one with the value ``goal``;
``first_goal``: an item with it, and all items before it are there."""
_EARLY_END: Final = {"until": "str", "of": "strs", "goal": "int"}
SELECT_METHODS: Final = ("token_avg", "greedy", "unconditional")
TOKENIZATIONS: Final = ("canonical", "all")
CMP_OPS: Final = ("==", "!=", "<", "<=", ">", ">=")
ARITH_OPS: Final = ("+", "-", "*", "/", "%")
_LOOP: frozenset[Exit] = frozenset({"loop"})
_FAILURE: frozenset[Exit] = frozenset({"failure"})


def _op(name: str, args: str, meaning: str, *results: ValueType, **traits: Any) -> OpSpec:
    traits.setdefault("results", results)
    return OpSpec(name=name, args=slots(args), meaning=meaning, **traits)


def _total(name: str, args: str, meaning: str, *results: ValueType, **traits: Any) -> OpSpec:
    return _op(name, args, meaning, *results, pure=True, total=True, **traits)


def _pure(name: str, args: str, meaning: str, *results: ValueType, **traits: Any) -> OpSpec:
    return _op(name, args, meaning, *results, pure=True, **traits)


def _control(name: str, args: str, meaning: str, *regions: RegionSpec, **traits: Any) -> OpSpec:
    return _pure(name, args, meaning, regions=regions, **{"results": None, **traits})


_STREAM_OPS = (
    _total("stream", "", "a fresh, empty stream", STREAM, attrs={"fresh": "bool"}),
    _total(
        "put", "stream any", "append the value as text", STREAM,
        attrs={"special": "bool"}, writes_stream=True, formats=True,
    ),
    _total(
        "role.begin", "stream", "open a message", STREAM,
        attrs={"role": "str"}, required=("role",), writes_stream=True,
    ),
    _total(
        "role.end", "stream", "close the open message", STREAM,
        attrs={"role": "str"}, required=("role",), writes_stream=True,
    ),
    _total(
        "child", "stream int?", "the same content, with random numbers of its own", STREAM,
        writes_stream=True,
    ),
    _total(
        "markup", "stream any", "append texts and special tokens in turn, a text first", STREAM,
        writes_stream=True,
    ),
    _pure("media", "stream any", "append an image or a video", STREAM, writes_stream=True),
    _op(
        "gen", "stream", "decode a continuation, append it, give its value", STREAM, STR,
        kwargs=frozenset({"choices", *GEN_OPTIONS}),
        attrs={
            "name": "str", "constraint": "symbol", **GEN_OPTIONS,
            "rng": "str", "show": "bool", "logprob": "bool", "seam": "str", "fields": "int",
            **_PATH, **HINTS, **DECODE_HINTS,
        },
        model=True, site=True, writes_stream=True,
    ),
    _op(
        "select", "stream any", "score the choices, append the winner; its value, all shares",
        STREAM, STR, ANY,
        attrs={
            "name": "str", "by": "str", "tokenizations": "str", "rng": "str", "show": "bool",
            **_PATH, **HINTS,
        },
        model=True, writes_stream=True,
    ),
    _total("warm", "stream", "compute the K/V of the stream, it will be gone on from",
           attrs={"insert": "bool"}, hint=True),
    _total("release", "stream", "let go of what is held of the stream: nothing goes on", hint=True),
    _total("slice", "stream stream", "the text between two versions of one stream", STR),
    _total("text", "stream", "the whole text of the stream", STR),
    _total("messages", "stream", "the messages of the stream: role and content", MESSAGES),
)  # fmt: skip

_BRANCH_OPS = (
    _control(
        "fork", "stream any?", "run a branch per element, or per name, from the same version",
        RegionSpec(label="branch", most=None, barrier=True),
        results=(GROUP,), attrs={"names": "strs", **_PATH, **_EARLY_END},
    ),
    _total("branch", "stream stream", "a branch from where it began to where it ended", BRANCH,
           any_kwargs=True, attrs={"name": "str", **_PATH}),
    _total("gather", "any*", "the branches as a group", GROUP),
    _pure("pick", "any any", "one branch of a group", BRANCH),
)  # fmt: skip

_CONTROL_OPS = (
    _control("if", "any", "run one of two regions", RegionSpec(label="do"),
             RegionSpec(label="else"), total=True, attrs={"spec": "strs"}),
    _control("match", "any", "run the first region with an equal case",
             RegionSpec(label="case", least=0, most=None), RegionSpec(label="else", least=0),
             attrs={"spec": "strs"}),
    _control("for", "any any*", "run the region for every element",
             RegionSpec(label="body", catches=_LOOP), attrs={"index": "bool", **_PATH},
             loop=True),
    _control("while", "any any*", "run the region while its cond holds, limit turns at most",
             RegionSpec(label="body", catches=_LOOP | {"cond"}), attrs=_PATH,
             loop=True),
    _control("try", "", "run the body, or else when anything in it fails",
             RegionSpec(label="body", catches=_FAILURE), RegionSpec(label="else")),
    _pure("check", "any any?", "fail unless true", exits=_FAILURE),
    _pure("cond", "any", "leave the while unless true", exits=frozenset({"cond"})),
    _total("yield", "any*", "end the region with these values", terminator=True, any_kwargs=True),
    _total("break", "any*", "leave the loop with these values", terminator=True, exits=_LOOP),
    _total("continue", "any*", "begin the next turn with these values", terminator=True,
           exits=_LOOP),
    _total("return", "any*", "leave the function", terminator=True, any_kwargs=True,
           exits=frozenset({"function"})),
    _pure("fail", "any?", "fail with a message", terminator=True, exits=_FAILURE),
)  # fmt: skip

_DATA_OPS = (
    _total("const", "any", "a constant", ANY),
    _total("concat", "any*", "the values as one text", STR, formats=True),
    _total("format", "any", "the value as text", STR, formats=True),
    _total("list", "any*", "a list of the values", LIST),
    _total("record", "", "a record of the keywords", ANY, any_kwargs=True),
    _pure("field", "any", "a field of a record or branch; of a group, the list of it", ANY,
          attrs={"name": "str"}, required=("name",)),
    _pure("index", "any any", "one element; negative counts from the end", ANY),
    _pure("slice.list", "any any any", "elements or characters lo up to hi, none is open", ANY),
    _control("map", "any", "the value of the region for every element",
             RegionSpec(label="body", barrier=True), results=(LIST,),
             attrs={**_PATH, **_EARLY_END}),
    _control("filter", "any", "the elements for which the region is true",
             RegionSpec(label="body", barrier=True), results=(LIST,), attrs=_PATH),
    _pure("narrow", "any", "the value, known not to be none", ANY),
    _pure("cmp", "any any", "compare", BOOL, attrs={"op": "str"}, required=("op",)),
    _pure("in", "any any", "whether a list, record or text contains it", BOOL),
    _pure("negate", "any", "not", BOOL),
    _pure("and", "any any", "both are true", BOOL),
    _pure("or", "any any", "one is true", BOOL),
    _pure("arith", "any any", "calculate", NUMBER, attrs={"op": "str"}, required=("op",)),
    _pure("neg", "any", "minus", NUMBER),
    _pure("range", "any any", "the integers from a to b, both included", list_of(INT)),
    _pure("apply", "any*", "a built-in function", ANY,
          any_kwargs=True, attrs={"fn": "str", "by": "path"}, required=("fn",)),
)  # fmt: skip

_CALL_OPS = (
    _op("call", "callee any*", "run a function in isolation, give its value", ANY,
        any_kwargs=True, attrs={"rng": "str", **_PATH}, calls=True, effectful=True, site=True),
    _op("include", "stream callee any*", "run a prompt on this stream", STREAM, ANY,
        any_kwargs=True, attrs={"rng": "str", **_PATH}, calls=True, effectful=True, site=True,
        writes_stream=True),
    _op("tool", "tool", "call a host function", ANY, any_kwargs=True,
        attrs={"must": "bool", "once": "bool", **_PATH}, host=True, effectful=True),
)  # fmt: skip

MODULE_HINTS: Final = {
    "single_flight": "bool",
    "order_rows": "bool",
    "prefixes": "segments",
    "num_api_spec_tokens": "int",
}
"""Hints of a whole module, with the kinds of their values. They change no result either."""

OPS: Final[Mapping[str, OpSpec]] = {
    spec.name: spec for spec in (*_STREAM_OPS, *_BRANCH_OPS, *_CONTROL_OPS, *_DATA_OPS, *_CALL_OPS)
}
"""Every op by its name."""
