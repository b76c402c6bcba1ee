"""The estimator of a photograph's noise: its network, its samples and its training."""
