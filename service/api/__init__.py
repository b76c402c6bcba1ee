"""HTTP: read the request, call, shape the answer."""
