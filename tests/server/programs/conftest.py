"""A server with little patience, webhooks, small limits; shared by the tests that need it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from generators.servers import RunningServer, start_server
from generators.webhook import WebhookHost

_CONFIG = """
programs=ProgramsConfig(
    run_grace_s=0.8,
    limits=Limits(
        max_model_calls=50, max_tokens=500, max_turns=20_000, max_blocks=30_000, max_fork_width=10,
        max_data=100_000, max_depth=50, wall_time_s=60,
    ),
    max_programs=8,
    max_results_bytes=100_000,
    compile_timeout_s=60,
    webhooks={{
        "lookup": Webhook(url="{url}/lookup", secret="{secret}", private=True),
        "broken": Webhook(url="{url}/broken", private=True),
        "away": Webhook(url="{url}/away", private=True),
        "slow": Webhook(url="{url}/slow", private=True, timeout_s=0.2),
        "inside": Webhook(url="{url}/lookup"),
    }},
)
"""


@pytest.fixture(scope="session")
def webhook() -> Iterator[WebhookHost]:
    """Where the webhooks of ``short`` go."""
    with WebhookHost() as host:
        yield host


@pytest.fixture(scope="session")
def short(
    tmp_path_factory: pytest.TempPathFactory, webhook: WebhookHost
) -> Iterator[RunningServer]:
    """A server on which programs may do little."""
    config = _CONFIG.format(url=webhook.url, secret=webhook.secret).replace("\n", " ")
    running = start_server(tmp_path_factory.mktemp("short"), config=config)
    yield running
    assert running.stop() == 0, running.log.read_text()
