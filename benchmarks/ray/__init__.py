"""The service on Ray Serve beside the service alone."""
