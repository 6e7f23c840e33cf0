"""Tokenizers, chat templates, prompt encoding."""
