"""Texts of a schema with what the model thinks of each token, asked of a server as it is."""

import json
import sys
import urllib.request

from sglang.srt.constrained import build_regex_from_object

SCHEMA = json.dumps(
    {
        "type": "object",
        "properties": {
            "population": {"type": "integer"},
            "area": {"type": "integer"},
        },
        "required": ["population", "area"],
    }
)
REGEX = build_regex_from_object(SCHEMA)


def srt_api_request(url, name):
    body = {
        "text": f"Please return the information of {name} as JSON: ",
        "return_logprob": True,
        "logprob_start_len": 0,
        "top_logprobs_num": 3,
        "return_text_in_logprobs": True,
        "sampling_params": {"temperature": 0, "max_new_tokens": 64, "regex": REGEX},
    }
    request = urllib.request.Request(
        url + "/generate", json.dumps(body).encode(), {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request) as reply:
        return json.load(reply)


reply = srt_api_request(sys.argv[1], "France")
print(sorted(json.loads(reply["text"])))
meta = reply["meta_info"]
text = "".join(row[2] for row in meta["output_token_logprobs"] if row[2] and "<|" not in row[2])
print(text == reply["text"])
print(all(len(row) == 3 for row in meta["output_top_logprobs"]))
