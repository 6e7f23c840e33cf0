"""``python -m sglc.launch_server``: the server by the name that SGLang's users know."""

from __future__ import annotations

import sys

from sglc.cli.main import main

if __name__ == "__main__":
    sys.exit(main(["serve", *sys.argv[1:]]))
