"""Synthetic noise for training: each kind in its file, drawn with its share by `mix`."""
