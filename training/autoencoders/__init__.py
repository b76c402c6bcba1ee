"""Builders of autoencoders, one architecture a file: configuration in, untrained model out."""
