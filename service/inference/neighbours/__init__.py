"""The nearest codings of a model's index."""
