"""Quotas: how much each caller has taken in the last minute, here or in a Redis."""
