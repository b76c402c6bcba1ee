"""The HTTP API: requests are decoded, checked and run; outputs are encoded as responses."""
