"""Offline half of the project: builds, trains, evaluates and exports autoencoders."""
