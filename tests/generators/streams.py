"""Random streams over the small vocabulary of the scheduler's tests."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from sglc.constraints.automaton import Automaton
from sglc.runtime.core.sampling import SamplingParams
from sglc.runtime.core.script import Constraint, Decode, Embed, Extend, Score, StreamRequest

AUTOMATA = [
    Automaton.from_regex(p)
    for p in (r"[ab]{2,5}", r"(a|ab)c?", r'[^"]*', r"[0-9]+", r"(abc|ca)+1?", r"é*b")
]
FORCING = [
    Automaton.from_regex(p)
    for p in (
        r'abc12 "é1',
        r'(a"|ab)ca12 [12]{2}abc"éa b',
        r'"(abc|1212|é)", "ab(c12)?'.replace(",", " "),
        r'a{3}b{3}( 12"é ){1,3}c?',
        r"aé|a\xe9[bc]1212ab",
    )
]
PARAMS = st.builds(
    SamplingParams,
    temperature=st.sampled_from([0.0, 0.5, 1.0, 3.0]),
    top_p=st.sampled_from([1.0, 0.9, 0.3]),
    top_k=st.sampled_from([-1, 1, 3, 100]),
    min_p=st.sampled_from([0.0, 0.05]),
    frequency_penalty=st.sampled_from([0.0, 0.7]),
    presence_penalty=st.sampled_from([0.0, -0.5]),
    repetition_penalty=st.sampled_from([1.0, 1.0, 1.3]),
    min_new_tokens=st.sampled_from([0, 0, 1, 3]),
    logit_bias=st.sampled_from([(), (), ((0, 3.0), (4, -2.0))]),
)
PLAIN = st.just(SamplingParams())
ENDS = st.sampled_from(["closed", "leave", "eos"])
DONE = st.sampled_from([frozenset(), frozenset(), frozenset({2}), frozenset({3, 5})])
FORCED = st.builds(Constraint, st.sampled_from(FORCING), ENDS, closing=st.booleans(), done=DONE)
PLAIN_ONES = st.builds(
    Constraint, st.sampled_from(AUTOMATA), ENDS, closing=st.booleans(), done=DONE
)
CONSTRAINTS = st.none() | PLAIN_ONES | FORCED
DECODES = st.builds(
    Decode,
    max_tokens=st.integers(3, 14),
    sampling=PLAIN | PARAMS,
    key=st.integers(0, 3),
    stop=st.lists(st.sampled_from(["ab", "bca", "aa", "é", "c1", "abcab"]), max_size=2).map(tuple),
    stop_ids=st.sampled_from([frozenset(), frozenset([2, 7])]),
    constraint=CONSTRAINTS,
    num_logprobs=st.sampled_from([None, None, None, 0, 2]),
    ignore_eos=st.booleans(),
    jump=st.sampled_from([True, True, True, False]),
    heal=st.sampled_from([b"", b"", b"", b"a", b" ", b"ab", b"12 ", "é".encode(), b"\xc3"]),
)
IDS = st.lists(st.integers(0, 3), max_size=9).map(tuple)
SCORES = st.builds(
    Score,
    st.lists(st.lists(st.integers(0, 2), max_size=6).map(tuple), min_size=1, max_size=4).map(tuple),
    num_top=st.sampled_from([None, 0, 1, 3, 100]),
)
EMBEDS = st.builds(Embed)


@st.composite
def requests(draw: Any) -> StreamRequest:
    first = Extend((draw(st.integers(0, 1)), *draw(IDS)))
    rest = draw(st.lists(st.builds(Extend, IDS) | DECODES | DECODES | SCORES | EMBEDS, max_size=4))
    return StreamRequest((first, *rest), draw(st.integers(0, 1)), draw(st.booleans()))
