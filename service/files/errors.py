"""Errors of files, of this machine or in a store."""

from service.errors import InvalidValue


class Exists(InvalidValue):
    """A file is there, where a new one was to be written."""
