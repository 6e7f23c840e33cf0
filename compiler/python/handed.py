"""The keys of what a lowered function hands out beside its variables."""

from __future__ import annotations

from typing import Final

STREAM: Final = "stream"
"""The prompt as it is at the end."""
RETURNED: Final = "returned"
"""What the function returns, unless that is its state."""
HOST: Final = "host"
"""There when all host statements have run, if there are any."""
END: Final = "end"
"""The number of the end that was come to."""
RECORD: Final = "record"
"""All of that in one, of a function that ends in several places."""
