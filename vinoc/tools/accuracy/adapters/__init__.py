"""What outputs of models mean: adapters turn them into predictions."""
