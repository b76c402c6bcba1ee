"""The HTTP server: uvicorn around the application."""
