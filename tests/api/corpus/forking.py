"""Forks, copies, joins and scopes."""

from __future__ import annotations

from generators.python_corpus import case

import sglc


@sglc.function
def tips(s, topics):
    s += "Some tips:"
    forks = s.fork(len(topics))
    for fork, topic in zip(forks, topics, strict=True):
        fork += f" about {topic}:" + sglc.gen("tip", max_tokens=5)
    for topic, fork in zip(topics, forks, strict=True):
        s += f"\n{topic}: " + fork["tip"]
    s += "\nSummary:" + sglc.gen("summary", max_tokens=5)


@sglc.function
def forks_of_forks(s):
    s += "root"
    found = []
    for i, child in enumerate(s.fork(2)):
        child += f"-{i}" + sglc.gen("x", max_tokens=2)
        for j, grandchild in enumerate(child.fork(2)):
            grandchild += f".{j}" + sglc.gen("y", max_tokens=3)
            with grandchild.copy() as deeper:
                deeper += sglc.gen("z", max_tokens=2)
            found.append((grandchild["x"], grandchild["y"], grandchild["z"], grandchild.text()))
        child += sglc.gen("after", max_tokens=2)
        found.append(child.text())
    s += sglc.gen("root", max_tokens=3)
    return found


@sglc.function
def fork_of_nothing(s):
    forks = s.fork(2)
    for i, fork in enumerate(forks):
        fork += f"child {i}" + sglc.gen("c", max_tokens=3)
    forks.join()
    s += "parent" + sglc.gen("p", max_tokens=3)
    return s["c"], [fork.text() for fork in forks]


@sglc.function
def children_that_do_nothing(s):
    s += "a" + sglc.gen("x", max_tokens=2)
    forks = s.fork(3)
    forks[1] += "only one" + sglc.gen("y", max_tokens=2)
    forks.join()
    empty = s.fork(2)
    empty.join("concate_and_append")
    s += sglc.gen("z", max_tokens=2)
    return s["y"], "y" in forks[0], forks[2].text()


@sglc.function
def joins_in_a_loop(s, turns):
    s += "loop"
    for turn in range(turns):
        forks = s.fork(2)
        forks += f"/{turn}" + sglc.gen(f"t{turn}", max_tokens=2)
        forks.join("concate_and_append" if turn % 2 else "gather_variable")
        s += "|"
    return {name: s[name] for name in list(s.variables)}


@sglc.function
def broadcasts(s):
    s += "x"
    forks = s.fork(3)
    forks += " all"
    forks += [" a", sglc.gen("own", max_tokens=2), " c" + sglc.gen("own", max_tokens=3)]
    forks += lambda i: f" number {i}" + sglc.gen("n", max_tokens=i + 1)
    forks.join()
    return s["own"], s["n"], len(forks), [f.text() for f in forks[1:]], forks[-1].text()


@sglc.function
def copies(s):
    s += "base" + sglc.gen("a", max_tokens=2)
    with s.copy() as other:
        other += " aside" + sglc.gen("b", max_tokens=3)
        s += " meanwhile" + sglc.gen("c", max_tokens=2)
    with s.copy(2) as group:
        group += sglc.gen("d", max_tokens=2)
    return s["b"], s["d"], other.text()


@sglc.function
def scopes(s):
    s += "before "
    with s.var_scope("whole"):
        s += "one " + sglc.gen("inner", max_tokens=3)
        with s.var_scope("part"):
            with s.user():
                s += "two" + sglc.gen("more", max_tokens=2)
        s += " three"
    with s.var_scope("nothing"):
        pass
    return s["whole"], s["part"], s["nothing"]


@sglc.function
def scope_across_forks(s):
    s += "p"
    with s.var_scope("v"):
        forks = s.fork(2)
        forks += sglc.gen("f", max_tokens=3)
        forks.join("concate_and_append")
    return s["v"], s["v"] == "".join(f["f"] for f in forks)


@sglc.function
def variables_of_children(s):
    s.set_var("given", "old")
    s += "x" + sglc.gen("before", max_tokens=2)
    forks = s.fork(2)
    for i, fork in enumerate(forks):
        fork.set_var("given", i)
        fork.set_var("set", [i, str(i)])
        fork += str(fork["given"]) + fork["before"] + sglc.gen("before", max_tokens=3)
    s += sglc.gen("late", max_tokens=2)
    forks.join()
    late = ["late" in fork for fork in forks]
    return s["given"], s["set"], s["before"], forks[0]["before"], late


@sglc.function
def parent_goes_on(s):
    s += "q"
    a = s.fork(1)[0]
    s += sglc.gen("first", max_tokens=3)
    b = s.fork(1)[0]
    a += sglc.gen("first", max_tokens=3)
    b += sglc.gen("first", max_tokens=3)
    return a.text(), b.text(), s.text()


@sglc.function
def tree(s, depth):
    s += "t"

    def grow(state, level):
        state += f"({level}" + sglc.gen("v", max_tokens=2)
        if level < depth:
            for child in state.fork(2):
                grow(child, level + 1)
                leaves.append(child["v"])
        state += ")"

    leaves = []
    grow(s, 0)
    return leaves


@sglc.function
def states_in_containers(s, names):
    s += "c"
    by_name = dict(zip(names, s.fork(len(names)), strict=True))
    for name, state in by_name.items():
        state += f" {name}" + sglc.gen("v", max_tokens=len(name))
    best = max(by_name, key=lambda name: (len(by_name[name]["v"]), name))
    pairs = [(state, "!") for state in by_name.values()]
    for state, mark in pairs:
        state += mark + sglc.gen("w", max_tokens=2)
    s += best + by_name[best]["w"]
    return [by_name[name].text() for name in sorted(by_name)]


@sglc.function
def children_outlive_the_join(s):
    s += "a"
    forks = s.fork(2)
    forks += sglc.gen("x", max_tokens=2)
    forks.join()
    forks[0] += " later" + sglc.gen("y", max_tokens=3)
    s += "".join(s["x"]) + sglc.gen("z", max_tokens=2)
    return forks[0].text(), "y" in s


@sglc.function
def fork_inside_of_a_role(s):
    s += sglc.system("sys")
    with s.user():
        s += "ask "
        forks = s.fork(2)
        forks += sglc.gen("q", max_tokens=3) + sglc.user_end()
        s += forks[0]["q"]
    forks += sglc.assistant(sglc.gen("a", max_tokens=3))
    s += sglc.assistant(sglc.gen("a", max_tokens=3))
    return [f.messages() for f in forks]


@sglc.function
def selects_of_children(s, choices):
    s += "Which?"
    forks = s.fork(3)
    for i, fork in enumerate(forks):
        fork += f" {i}" + sglc.select("which", choices) + sglc.gen("why", max_tokens=2)
    votes = [fork["which"] for fork in forks]
    winner = max(set(votes), key=lambda c: (votes.count(c), c))
    s += winner + sglc.gen("end", max_tokens=3)
    return votes


@sglc.function
def asks_some(s, words):
    asked = []

    def is_late(text):
        asked.append(text)
        return text > "a"

    s += "q"
    forks = s.fork(3)
    forks += sglc.gen("x", max_tokens=2)
    s += str(any(is_late(f["x"]) for f in forks)) + str(all(not is_late(f["x"]) for f in forks))
    ends = words[0]
    ends = ends + "z"
    s += str(any(word in ends for word in words)) + "".join(word + ends for word in words)
    return asked


CASES = [
    case(asks_some, ["a", "b"]),
    case(tips, ["food", "sleep", "work"]),
    case(forks_of_forks),
    case(fork_of_nothing),
    case(children_that_do_nothing),
    case(joins_in_a_loop, 4),
    case(broadcasts),
    case(copies),
    case(scopes),
    case(scope_across_forks),
    case(variables_of_children),
    case(parent_goes_on),
    case(tree, 2),
    case(states_in_containers, ["ab", "cde", "f"]),
    case(children_outlive_the_join),
    case(fork_inside_of_a_role),
    case(selects_of_children, ["yes", "no", "maybe"]),
]
