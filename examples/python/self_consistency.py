"""Several lines of thought, and a vote: python examples/python/self_consistency.py"""

from collections import Counter

import sglc


@sglc.function
def solve(s, question, samples):
    s += f"Q: {question}\nA: Let's think step by step."
    paths = s.fork(samples)
    paths += sglc.gen("reason", max_tokens=64, stop="The answer is", temperature=0.7)
    paths += "The answer is " + sglc.gen("value", type=int, max_tokens=8, temperature=0)
    votes = Counter(path["value"] for path in paths)
    for path in paths:
        print(f"{path['reason'].strip()} -> {path['value']}")
    [(answer, count)] = votes.most_common(1)
    s += f" The answer is {answer}, by {count} of {samples} votes."


with sglc.Engine() as engine:
    question = "There are 3 boxes with 6 apples each. How many apples are there in all?"
    print(solve.run(question=question, samples=8, backend=engine, seed=1).text())
