"""Types as constraints: regexes, byte automata, parsers. Imports nothing of sglc."""
