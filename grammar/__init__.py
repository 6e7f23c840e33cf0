"""The lark grammars of the language and of the textual IR."""
