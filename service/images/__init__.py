"""Decode and encode PNG, JPEG and WebP files with their metadata, without HTTP."""
