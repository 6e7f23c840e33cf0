"""Programs whose graphs are golden: those of SGLang's README, and one for each construct."""

import sglc


@sglc.function
def multi_turn_question(s, question_1: str, question_2: str):
    s += sglc.system("You are a helpful assistant.")
    s += sglc.user(question_1)
    s += sglc.assistant(sglc.gen("answer_1", max_tokens=256))
    s += sglc.user(question_2)
    s += sglc.assistant(sglc.gen("answer_2", max_tokens=256))


@sglc.function
def tool_use(s, question: str):
    s += "To answer this question: " + question + ". "
    s += "I need to use a " + sglc.gen("tool", choices=["calculator", "search engine"]) + ". "
    if s["tool"] == "calculator":
        s += "The math expression is" + sglc.gen("expression")
    elif s["tool"] == "search engine":
        s += "The key word to search is" + sglc.gen("word")


@sglc.function
def tip_suggestion(s):
    s += (
        "Here are two tips for staying healthy: "
        "1. Balanced Diet. 2. Regular Exercise.\n\n"
    )  # fmt: skip
    forks = s.fork(2)
    for i, f in enumerate(forks):
        f += f"Now, expand tip {i + 1} into a paragraph:\n"
        f += sglc.gen("detailed_tip", max_tokens=256, stop="\n\n")
    s += "Tip 1:" + forks[0]["detailed_tip"] + "\n"
    s += "Tip 2:" + forks[1]["detailed_tip"] + "\n"
    s += "In summary" + sglc.gen("summary")


@sglc.function
def regular_expression_gen(s):
    s += "Q: What is the IP address of the Google DNS servers?\n"
    s += "A: " + sglc.gen(
        "answer",
        temperature=0,
        regex=r"((25[0-5]|2[0-4]\d|[01]?\d\d?).){3}(25[0-5]|2[0-4]\d|[01]?\d\d?)",
    )


@sglc.function
def text_qa(s, question: str):
    s += "Q: " + question + "\n"
    s += "A:" + sglc.gen("answer", stop="\n")


@sglc.function
def judged(s, essay: str):
    with s.user():
        s += f"Rate this essay:\n{essay}"
    with s.assistant():
        s += sglc.gen_int("score")
    score = int(s["score"])
    while score > 10:
        with s.user():
            s += "From 0 to 10."
        with s.assistant():
            s += sglc.gen_int("score")
        score = int(s["score"])
    return score


@sglc.function
def numbered(s, count: int):
    for i in range(count):
        s += f"{i}: " + sglc.gen(f"line_{i}", stop="\n") + "\n"


@sglc.function
def listed(s, words: list):
    for number, word in enumerate(words):
        s += f"{number}. {word}" + sglc.gen("about", max_tokens=8)
        if s["about"] == "":
            break


@sglc.function
def ask(s, question: str, again: bool = False):
    s += question + sglc.gen("answer")
    if not again:
        return s["answer"]
    s += " Sure?" + sglc.gen("answer")
    return s["answer"] + "!"


@sglc.function
def calls(s, question: str):
    first = ask(s, question)
    second = ask(s, "Really?", again=True)
    return [first, second]


@sglc.function
def joined(s):
    s += "Colours:"
    with s.copy() as c:
        c += sglc.gen("aside", max_tokens=4)
    forks = s.fork(2)
    forks += sglc.gen("colour", max_tokens=4)
    forks.join()
    s += " and ".join(s["colour"])
    with s.var_scope("both"):
        s += sglc.gen("x") + ", " + sglc.gen("y")


@sglc.function
def matched(s, question: str):
    s += question + sglc.select("kind", choices=["fact", "opinion", "joke"])
    match s["kind"]:
        case "fact" | "opinion":
            s += ". Source:" + sglc.gen("source")
        case _:
            return None
    try:
        found = question.index("?")
    except ValueError:
        found = None
    return found


PROGRAMS = [
    multi_turn_question, tool_use, tip_suggestion, regular_expression_gen, text_qa, judged,
    numbered, listed, calls, joined, matched,
]  # fmt: skip
ARGUMENTS = {"count": 3}
