"""Photographs: files as people send them <-> pixels and all else they hold, with no HTTP in it."""
