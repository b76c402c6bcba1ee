"""When a client should try again where Ray does not say it."""

RETRY_AFTER = 1
"""Seconds: what a replica that has ended leaves goes to another one, or to its successor."""
