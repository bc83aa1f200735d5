"""Small experiments on the losses that train: no model, no disk, answers while one types."""
