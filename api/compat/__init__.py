"""SGLang's names for what this package does; ``python -m sglc.compat script.py`` runs a script
that imports ``sglang`` as it is."""
