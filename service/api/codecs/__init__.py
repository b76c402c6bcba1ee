"""Encodings of request and response bodies, a file each."""
