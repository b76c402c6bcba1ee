"""HTTP/1.1 as the service speaks it, on uvicorn."""
