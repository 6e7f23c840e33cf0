"""What trains the embedded model: tokenizer, rows of tokens, optimizer, workers, model card."""
