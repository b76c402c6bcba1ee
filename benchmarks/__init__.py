"""Benchmarks of the service against the bare limit and its peers, on one machine."""
