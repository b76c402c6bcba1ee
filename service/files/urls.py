"""URLs of files: their schemes, and what of one may be shown."""

BUCKETS = ("s3", "gs", "az")
"""Schemes of stores of buckets, which are read, written and listed."""
WEB = ("http", "https")
"""Schemes of single files on the web, which are read."""


def is_url(text: str) -> bool:
    """Return whether a name is a URL: a scheme, then ://."""
    scheme, separator, _ = text.partition("://")
    return bool(separator) and scheme.isalnum()


def public(url: str) -> str:
    """Return a URL for people: without user, password, query and fragment, which may be secret."""
    scheme, separator, rest = url.partition("://")
    host, slash, path = rest.partition("?")[0].partition("#")[0].partition("/")
    return f"{scheme}{separator}{host.rpartition('@')[2]}{slash}{path}"
