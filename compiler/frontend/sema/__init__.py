"""The checks: names, types, streams, constraints and cost of a parsed program."""
