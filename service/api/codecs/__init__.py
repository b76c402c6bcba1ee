"""The encodings of request and response bodies, one file each."""
