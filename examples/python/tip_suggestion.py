"""Two forks that are written at the same time: python examples/python/tip_suggestion.py"""

import sglc


@sglc.function
def tip_suggestion(s):
    s += "Here are two tips for staying healthy: 1. Balanced Diet. 2. Regular Exercise.\n\n"
    forks = s.fork(2)
    for i, f in enumerate(forks):
        f += f"Now, expand tip {i + 1} into a paragraph:\n"
        f += sglc.gen("detail", max_tokens=256, stop="\n\n")
    s += "Tip 1:" + forks[0]["detail"] + "\nTip 2:" + forks[1]["detail"]
    s += "\nIn summary" + sglc.gen("summary", max_tokens=128)


with sglc.Engine() as engine:
    print(tip_suggestion.run(backend=engine, temperature=0).text())
