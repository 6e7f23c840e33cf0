"""Types of the language as constraints: regexes, byte automata, parsers. Imports nothing of sglc."""
