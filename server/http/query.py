"""Query strings in: checked against a model, every mistake named by its parameter."""

from __future__ import annotations

from typing import TypeVar

from pydantic import BaseModel, ConfigDict
from starlette.requests import Request

from sglc.server.errors import bad_request
from sglc.server.http.body import check


class Query(BaseModel):
    """The base of query parameters: nothing unknown is taken."""

    model_config = ConfigDict(extra="forbid", frozen=True)


QueryT = TypeVar("QueryT", bound=Query)


def read_query(request: Request, model: type[QueryT]) -> QueryT:
    """Read and check the parameters behind the ``?`` of a request.

    Raises:
        ApiError: 400 with the parameter and what is wrong with it.
    """
    values: dict[str, str] = {}
    for name, value in request.query_params.multi_items():
        if name in values:
            raise bad_request(f"parameter `{name}` is given twice", name)
        values[name] = value
    return check(values, model)
