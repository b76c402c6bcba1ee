"""Decode and encode photographs with their metadata, without HTTP."""
