"""Photographs: files as people send them <-> pixels and all else they hold, with no HTTP in it."""

PHOTO = "photo"
"""The model of photographs that comes with the service."""
