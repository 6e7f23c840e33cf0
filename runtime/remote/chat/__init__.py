"""Dialects of servers that take messages: OpenAI's, Anthropic's, Gemini's; LiteLLM's library."""
