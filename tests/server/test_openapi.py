"""The document says what is served: no more, no less."""

from __future__ import annotations

import re
from typing import Any

import httpx2
import jsonschema
import pytest

from sglc.server.endpoints import all_endpoints

PARAMETER = re.compile(r"{(\w+)(?::\w+)?}")


@pytest.fixture(scope="module")
def document(http: httpx2.Client) -> Any:
    return http.get("/openapi.json").json()


def test_every_endpoint_is_described(document: Any) -> None:
    served = {
        (PARAMETER.sub(r"{\1}", each.path), method.lower())
        for each in all_endpoints()
        for method in each.methods
    }
    described = {(path, method) for path, item in document["paths"].items() for method in item}
    assert described == served


def test_every_operation_says_what_it_does(document: Any) -> None:
    operations = [each for item in document["paths"].values() for each in item.values()]
    assert all(each["summary"].endswith((".", ";")) for each in operations)
    names = [each["operationId"] for each in operations]
    assert len(set(names)) == len(names)


def test_every_schema_is_one_and_every_reference_leads_somewhere(document: Any) -> None:
    schemas = document["components"]["schemas"]
    for schema in schemas.values():
        jsonschema.Draft202012Validator.check_schema(schema)
    found = set(re.findall(r"#/components/schemas/([\w.-]+)", str(document)))
    assert found <= set(schemas)


def test_what_is_declared_is_what_is_taken(document: Any, http: httpx2.Client) -> None:
    """A field that the document does not know is refused, one that it knows is not unknown."""
    names = document["components"]["schemas"]["GenerateBody"]["properties"]
    assert http.post("/generate", json={"text": "a", "nix": 1}).json()["error"]["param"] == "nix"
    for name in names:
        reply = http.post("/generate", json={name: {"nix": 1}})
        assert "unknown field `" + name + "`" not in reply.text


def test_the_page_needs_nothing_from_outside(http: httpx2.Client) -> None:
    reply = http.get("/docs")
    assert reply.headers["content-type"].startswith("text/html")
    assert "default-src 'none'" in reply.headers["content-security-policy"]
    assert not re.findall(r"(?:src|href)=['\"]?(?:https?:)?//", reply.text)
    assert "/v1/chat/completions" in reply.text
