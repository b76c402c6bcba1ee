"""Photographs through the service: how fast, beside what, with how much memory, beside whom."""
