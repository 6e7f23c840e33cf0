"""The model chooses a tool, and Python is the tool: python examples/python/tool_use.py"""

import operator

import sglc

OPERATIONS = {"+": operator.add, "-": operator.sub, "*": operator.mul}


def calculate(expression):
    left, sign, right = expression.split()
    return OPERATIONS[sign](int(left), int(right))


@sglc.function
def tool_use(s, question):
    s += "To answer this question: " + question + ". I need to use a "
    s += sglc.gen("tool", choices=["calculator", "search engine"]) + ". "
    if s["tool"] == "calculator":
        s += "The math expression is "
        s += sglc.gen("expression", regex=r"\d{1,3} [-+*] \d{1,3}")
        s += f" = {calculate(s['expression'])}"
    else:
        s += "The key word to search is" + sglc.gen("word", stop="\n")


with sglc.Engine() as engine:
    questions = ["What is 12 * 12?", "What is 17 + 25?", "What is the capital of Peru?"]
    rows = [{"question": question} for question in questions]
    for state in tool_use.run_batch(rows, backend=engine, temperature=0):
        print(state.text())
