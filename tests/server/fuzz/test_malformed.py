"""What is wrong is refused by its name, costs nothing, and is not noticed by anybody else."""

from __future__ import annotations

from collections.abc import Iterator

import httpx2
import pytest
from generators.malformed import Malformed, malformed
from generators.servers import RunningServer

CASES = dict(malformed())


@pytest.fixture(scope="module")
def client(small_server: RunningServer) -> Iterator[httpx2.Client]:
    with httpx2.Client(base_url=small_server.url, timeout=60) as found:
        yield found


def asked(client: httpx2.Client, case: Malformed) -> httpx2.Response:
    return client.request(case.method, case.path, content=case.content, headers=case.headers)


def test_there_are_enough() -> None:
    assert len(CASES) > 200


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_it_is_refused_by_its_name(case: Malformed, client: httpx2.Client) -> None:
    reply = asked(client, case)
    assert reply.status_code == case.status, reply.text
    assert reply.headers["content-type"] == "application/json"
    message = reply.json()["error"]["message"]
    assert all(word in message for word in case.says), message
    assert len(message) < 2000
    assert "Traceback" not in message
