import sys

import sglang as sgl

@sgl.function
def image_qa(s, image_file, question):
    s += sgl.user(sgl.image(image_file) + question)
    s += sgl.assistant(sgl.gen("answer", max_tokens=256))

sgl.set_default_backend(sgl.RuntimeEndpoint("http://localhost:30000"))
state = image_qa.run(image_file=sys.argv[1], question="What is this?")
print(state["answer"])
