"""Benchmarks of models and servers, by the names and flags that SGLang has for them."""
