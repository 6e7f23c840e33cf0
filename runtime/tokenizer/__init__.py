"""Tokenizers, chat templates, prompt encoding.

``base`` states what a tokenizer is, ``files`` reads one, ``byte`` needs no files; ``template``
and ``probe`` turn a chat template into data, ``prompt`` encodes streams of segments.
"""
