import sglang as sgl

@sgl.function
def tool_use(s, question):
    s += "To answer this question: " + question + ". "
    s += "I need to use a " + sgl.gen("tool", choices=["calculator", "search engine"]) + ". "

    if s["tool"] == "calculator":
        s += "The math expression is" + sgl.gen("expression")
    elif s["tool"] == "search engine":
        s += "The key word to search is" + sgl.gen("word")

sgl.set_default_backend(sgl.RuntimeEndpoint("http://localhost:30000"))
state = tool_use.run("What is the weight of an elephant?")
print(state.text())
