"""Whatever the document allows, or forbids, is answered as the document says."""

from __future__ import annotations

import os

import schemathesis
from generators.servers import RunningServer
from hypothesis import HealthCheck, settings
from schemathesis import checks

from sglc.server.endpoints import all_endpoints
from sglc.server.http.openapi import document

EXAMPLES = int(os.environ.get("SGLC_FUZZ_EXAMPLES", "8"))
# What fields mean together is not in the schemas, so that a body that is valid may be refused.
LEFT_OUT = [checks.positive_data_acceptance]

SAME = ("/classify", "/model_info", "/server_info", "/get_server_args")  # as others, by other names

schema = (
    schemathesis.openapi.from_dict(document(all_endpoints(), "0"))
    .exclude(path=list(SAME))
    .exclude(method="PUT")
)


@schema.parametrize()
@settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
def test_answers_are_as_described(case: schemathesis.Case, small_server: RunningServer) -> None:
    response = case.call(base_url=small_server.url, timeout=30)
    case.validate_response(response, excluded_checks=LEFT_OUT)
