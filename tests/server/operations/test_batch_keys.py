"""Batches of keys: another key does not see them, and a key's limits hold for their lines."""

from __future__ import annotations

import json
from typing import Any

import httpx2
from generators.operated import Operated, Wait

from sglc.server.operations.key_file import edited

URL = "/v1/completions"
BODY = {"prompt": "One two", "max_tokens": 8, "temperature": 0}


def submit(client: httpx2.Client, num_lines: int = 1) -> httpx2.Response:
    lines = [
        {"custom_id": f"{i}", "method": "POST", "url": URL, "body": BODY} for i in range(num_lines)
    ]
    data = "\n".join(json.dumps(line) for line in lines).encode()
    file = client.post("/v1/files", data={"purpose": "batch"}, files={"file": ("a", data)}).json()
    return client.post("/v1/batches", json=asked(file["id"]))


def asked(file_id: str) -> dict[str, Any]:
    return {"input_file_id": file_id, "endpoint": URL, "completion_window": "24h"}


def result_of(client: httpx2.Client, batch_id: str, wait: Wait) -> dict[str, Any]:
    """Return the one line that a batch ends with."""
    found: dict[str, Any] = {}

    def is_over() -> bool:
        found.update(client.get(f"/v1/batches/{batch_id}").json())
        return found["status"] == "completed"

    wait(is_over)
    file_id = found["output_file_id"] or found["error_file_id"]
    line: dict[str, Any] = client.get(f"/v1/files/{file_id}/content").json()
    return line


def test_another_key_does_not_see_a_batch(
    operated: Operated, alice: httpx2.Client, eventually: Wait
) -> None:
    batch = submit(alice).json()
    result_of(alice, batch["id"], eventually)
    batch = alice.get(f"/v1/batches/{batch['id']}").json()
    with operated.client("bob") as bob:
        assert bob.get(f"/v1/batches/{batch['id']}").status_code == 404
        assert bob.post(f"/v1/batches/{batch['id']}/cancel").status_code == 404
        assert bob.get("/v1/batches").json()["data"] == []
        assert bob.get(f"/v1/batches?after={batch['id']}").status_code == 404
        assert bob.get(f"/v1/files/{batch['output_file_id']}/content").status_code == 404
        assert bob.post("/v1/batches", json=asked(batch["input_file_id"])).status_code == 404


def test_the_limits_of_a_key_hold_for_its_batches(operated: Operated, eventually: Wait) -> None:
    with edited(operated.file) as found:
        operated.keys["dave"] = found.add("dave", {"max_tokens": 5})
    with operated.client("dave") as dave:
        eventually(lambda: dave.get("/v1/files").status_code == 200)
        direct = dave.post(URL, json=BODY)
        assert direct.status_code == 400
        line = result_of(dave, submit(dave).json()["id"], eventually)
        assert line["response"]["status_code"] == 400
        assert line["response"]["body"] == direct.json()


def test_a_batch_whose_key_was_removed_asks_nothing_more(
    operated: Operated, eventually: Wait
) -> None:
    with edited(operated.file) as found:
        operated.keys["erin"] = found.add("erin", {})
    with operated.client("erin") as erin:
        eventually(lambda: erin.get("/v1/files").status_code == 200)
        batch = submit(erin, 5000).json()
        with edited(operated.file) as found:
            found.remove("erin")
        eventually(lambda: erin.get("/v1/files").status_code == 401)
    with edited(operated.file) as found:
        operated.keys["erin"] = found.add("erin", {})
    with operated.client("erin") as erin:
        eventually(lambda: erin.get("/v1/files").status_code == 200)
        counts = erin.get(f"/v1/batches/{batch['id']}").json()["request_counts"]
        assert counts["failed"] > 0
        erin.post(f"/v1/batches/{batch['id']}/cancel")
        ends = ("cancelled", "completed")
        eventually(lambda: erin.get(f"/v1/batches/{batch['id']}").json()["status"] in ends)
        ended = erin.get(f"/v1/batches/{batch['id']}").json()
        errors = erin.get(f"/v1/files/{ended['error_file_id']}/content").text
        assert {json.loads(line)["response"]["status_code"] for line in errors.splitlines()} == {
            403
        }
