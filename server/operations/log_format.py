"""The server's log: one line per record, as text or JSON, the request it is about in each.

Neither headers nor keys are ever logged. Text from outside is escaped: a line is one record.
"""

from __future__ import annotations

import json
import logging
import re
import sys
import time
from typing import Any

from sglc.server.operations.config import OperationsConfig
from sglc.server.operations.context import served

_PLAIN = re.compile(r"[!#-~]+")  # what is visible in ASCII but for the quotation mark

FIELDS = "sglc_fields"
"""The attribute of a record with its fields: ``log.info("…", extra={FIELDS: {…}})``."""


class TextFormatter(logging.Formatter):
    """``time level request message name=value…``."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line; a traceback follows it."""
        words = [_time(record), record.levelname.lower(), served().request_id or "-"]
        line = " ".join([*words, _escaped(record.getMessage())])
        for name, value in _fields(record).items():
            line += f" {name}={_word(str(value))}"
        if record.exc_info:
            line += "\n" + self.formatException(record.exc_info)
        return line


class JsonFormatter(logging.Formatter):
    """One object per line."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        data: dict[str, Any] = {
            "time": _time(record),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        about = served()
        if about.request_id:
            data["request_id"] = about.request_id
        if about.trace_id:
            data["trace_id"] = about.trace_id
        if about.tenant.name:
            data["tenant"] = about.tenant.name
        data.update(_fields(record))
        if record.exc_info:
            data["exception"] = self.formatException(record.exc_info)
        return json.dumps(data, ensure_ascii=False, default=str)


def start_logging(config: OperationsConfig) -> None:
    """Send all records of this process to standard error, in the form that is configured."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter() if config.log_format == "json" else TextFormatter())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    logging.getLogger("sglc").setLevel(config.log_level.upper())


def _fields(record: logging.LogRecord) -> dict[str, Any]:
    found: dict[str, Any] = getattr(record, FIELDS, {})
    return found


def _time(record: logging.LogRecord) -> str:
    stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
    return f"{stamp}.{int(record.msecs):03}Z"


def _word(text: str) -> str:
    """Return a value as one word that cannot be read as several, in quotes where it must be."""
    return text if _PLAIN.fullmatch(text) else json.dumps(text)


def _escaped(text: str) -> str:
    """Return a text without line breaks and other control characters."""
    return text if text.isprintable() else text.encode("unicode_escape").decode("ascii")
