"""A stream whose engine dies: its error comes as an event of the stream, and the client raises."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import anthropic
import pytest
from generators.servers import start_server


def test_a_stream_whose_engine_dies_ends_with_an_error(tmp_path: Path) -> None:
    server = start_server(tmp_path)
    engine = server.engine_pid()
    try:
        with (
            anthropic.Anthropic(base_url=server.url, api_key="EMPTY", max_retries=0) as client,
            client.messages.create(
                model="embedded",
                max_tokens=1500,
                messages=[{"role": "user", "content": "Count."}],
                output_config={
                    "format": {
                        "type": "json_schema",
                        "schema": {"type": "string", "minLength": 2000},
                    }
                },
                stream=True,
            ) as stream,
        ):
            kinds = [next(stream).type for _ in range(4)]
            assert kinds[:2] == ["message_start", "content_block_start"]
            os.kill(engine, signal.SIGKILL)
            with pytest.raises(anthropic.APIStatusError) as found:
                list(stream)
        assert found.value.body["error"]["type"] == "overloaded_error"  # type: ignore[index]  # of our form
        assert "died" in found.value.message
    finally:
        assert server.stop() == 0, server.log.read_text()
