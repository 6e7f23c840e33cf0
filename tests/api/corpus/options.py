"""Choices, patterns, limits and other options: constants, arguments, values."""

from __future__ import annotations

from generators.python_corpus import case

import sglc
from sglc.constraints.types import Int


@sglc.function
def from_arguments(s, choices, pattern, most, stop):
    s += "a" + sglc.select("c", choices) + sglc.gen("r", regex=pattern)
    s += sglc.gen("m", max_tokens=most, ignore_eos=True) + sglc.gen("s", max_tokens=12, stop=stop)
    return len(s["m"]), s["r"]


@sglc.function
def from_values(s):
    s += "n=" + sglc.gen("n", regex="[2-4]")
    n = int(s["n"])
    s += " words" + sglc.gen("w", max_tokens=n, ignore_eos=True)
    choices = [f"{s['w']}{i}" for i in range(n)]
    s += " which " + sglc.select("c", choices)
    s += (
        " again " + sglc.gen("r", regex=f"[a-c]{{{n}}}x") + sglc.gen("t", stop=s["n"], max_tokens=6)
    )
    s += sglc.gen("u", temperature=n / 4, top_k=n, max_tokens=4)
    return choices.index(s["c"])


@sglc.function
def every_option(s):
    s += "o" + sglc.gen("a", max_tokens=6, temperature=0.8, top_p=0.9, min_p=0.01)
    s += sglc.gen("b", max_tokens=6, min_tokens=4, frequency_penalty=0.5, presence_penalty=-0.5)
    s += sglc.gen("c", max_tokens=6, stop=["e", "a ", "zz"], stop_token_ids=[120, 121])
    s += sglc.gen("d", max_tokens=5, ignore_eos=True, repetition_penalty=1.2, top_k=20)
    s += sglc.gen("e", max_tokens=4, temperature=0) + sglc.gen("f", max_tokens=4, temperature=2.0)
    return [s.get_meta_info(name)["completion_tokens"] for name in "abcdef"]


@sglc.function
def patterns(s):
    s += "ip " + sglc.gen("ip", regex=r"((25[0-5]|2[0-4]\d|1?\d?\d)\.){3}\d")
    s += " date " + sglc.gen("date", regex=r"\d{4}-\d{2}") + sglc.gen("opt", regex="(ab|cd)?e*f")
    s += sglc.gen("cut", regex="[a-z]+", max_tokens=3) + sglc.gen("free", max_tokens=2)
    return s["ip"].split(".")


@sglc.function
def kinds(s):
    s += "i=" + sglc.gen_int("i") + "; s=" + sglc.gen_string("s", max_tokens=6)
    s += "; b=" + sglc.gen("b", dtype=bool) + "; f=" + sglc.gen("f", dtype="float", max_tokens=5)
    s += "; t=" + sglc.gen("t", type=Int(0, 20))
    s += "; j=" + sglc.gen("j", json_schema={"type": "object", "properties": {"a": {"enum": [1, 2]}},
                                            "required": ["a"], "additionalProperties": False})  # fmt: skip
    return s["t"] + 1, s["b"] == "True"


@sglc.function
def methods_of_choice(s, choices):
    s += "m "
    for method in (None, "token_length_normalized", "greedy_token_selection",
                   "unconditional_likelihood_normalized"):  # fmt: skip
        s += sglc.select(f"{method}", choices, choices_method=method) + ";"
        s += sglc.gen("g", choices=choices, choices_method=method) + "/"
    return dict(s.variables.items()).keys() == {*map(str, s.variables)}


@sglc.function
def choices_of_a_kind(s, word):
    s += "x" + sglc.select("one", ["only"]) + sglc.select("twice", ["a", "b", "a"])
    s += sglc.select("prefix", [word, word + word[0], word + word])
    s += sglc.select("tuple", ("é", "✓", "日本")) + sglc.select(choices=["un", "named"])
    return s["prefix"].startswith(word)


@sglc.function
def of_the_run(s):
    s += (
        "r" + sglc.gen("a") + sglc.gen("b", temperature=1.0, max_tokens=3) + sglc.gen("c", stop="q")
    )
    with s.copy() as other:
        other += sglc.gen("d")
    return len(s["a"]) <= 5


@sglc.function
def healed(s):
    s += "The numb" + sglc.gen("h", max_tokens=4, healing=True)
    s += " é" + sglc.gen("i", max_tokens=5, healing=True, regex="[a-z]{3}")


@sglc.function
def unnamed(s, n):
    for _ in range(n):
        s += sglc.gen(max_tokens=2) if _ else "begin" + sglc.gen(max_tokens=1)
    s += sglc.gen("same", max_tokens=2) + "-" + sglc.gen("same", max_tokens=2)
    return s["same"], len(s.variables)


@sglc.function
def several(s, n):
    s += "x" + sglc.gen("v", n=n, max_tokens=3) + "|" + sglc.gen("after", max_tokens=3)
    votes = [text[:1] for text in s["v"]]
    s += max(set(votes), key=lambda vote: (votes.count(vote), vote))
    forks = s.fork(2)
    forks += sglc.gen("w", n=2, regex="[ab]{2}") + "!"
    return len(s["v"]), [fork["w"] for fork in forks], [fork.text() for fork in forks]


@sglc.function
def sums(s, x):
    e = "a" + sglc.gen("p", max_tokens=1) + "b"
    f = sglc.gen("q", max_tokens=1) + (sglc.gen("r", max_tokens=1) + "c")
    s += e + f
    s += e
    s += "" + x
    s += ""
    s += sglc.user("in" + e) + sglc.assistant_begin() + f + sglc.assistant_end()
    return s["p"], s["q"]


@sglc.function
def roles(s, turns):
    s += sglc.system("Be kind.")
    for i, turn in enumerate(turns):
        if i % 2:
            s.user(turn)
            s.assistant(sglc.gen(f"a{i}", max_tokens=4))
        else:
            with s.user():
                s += turn
            with s.assistant() as inside:
                inside += sglc.gen(f"a{i}", max_tokens=4, stop="e")
                s += " " + s[f"a{i}"].upper()
    s += sglc.user_begin() + "last" + sglc.user_end() + sglc.assistant_begin()
    s += sglc.gen("open", max_tokens=3)
    return s.messages()[-1], s.text().count("<|im_start|>")


CASES = [
    case(from_arguments, ["x", "yy"], r"\d\d", 3, "e"),
    case(from_arguments, ("left", "right", "up"), "(a|b)+c", 1, ["o", "i"]),
    case(from_values),
    case(every_option),
    case(patterns),
    case(kinds),
    case(methods_of_choice, ["yes", "no", "not at all"]),
    case(choices_of_a_kind, "hey"),
    case(of_the_run, max_new_tokens=5, temperature=0.7, stop=["x", "ab"]),
    case(of_the_run, top_k=5, min_new_tokens=2, max_new_tokens=4, frequency_penalty=1.0),
    case(healed),
    case(unnamed, 3),
    case(several, 3),
    case(several, 1),
    case(sums, "x"),
    case(roles, ["one", "two", "three"]),
]
