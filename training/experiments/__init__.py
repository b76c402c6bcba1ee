"""Experiments: what autoencoders are used for, measured beside simpler methods over seeds."""
