"""Networks of proxies, as a setting lists them: addresses, or CIDR blocks (RFC 4632)."""

import ipaddress
import json
import reprlib


def networks_of(value: object) -> object:
    """Return the networks of a list that is given as JSON, or separated by commas.

    Raises:
        ValueError: One is none, or a block has bits beyond its prefix. That "*" is refused, too,
            is on purpose: whoever is believed may forge any address.
    """
    if not isinstance(value, str):
        found = value
    elif value.lstrip().startswith("["):
        try:
            found = json.loads(value)
        except ValueError:
            raise _wrong(value) from None
    else:
        found = [each.strip() for each in value.split(",") if each.strip()]
    if not isinstance(found, list | tuple):
        raise _wrong(value)
    return tuple(_network(each) for each in found)


def _network(value: object) -> str:
    if isinstance(value, str):
        try:
            return str(ipaddress.ip_network(value))
        except ValueError as error:
            raise _wrong(f"{value}: {error}" if "/" in value else value) from None
    raise _wrong(value)


def _wrong(value: object) -> ValueError:
    return ValueError(
        "expected addresses or networks such as 10.0.0.7, 10.1.0.0/16 or fd00::/8 by commas, "
        f"received {reprlib.repr(value)}"
    )
