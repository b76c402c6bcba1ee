"""Autoencoders are fitted: recipes in, runs that can be resumed out."""
