"""What settings are called: as environment variables, as flags, and in the messages of errors."""

import difflib
from collections.abc import Iterable

PREFIX = "SERVICE_"


def variable(setting: str) -> str:
    """Return the environment variable of a setting."""
    return PREFIX + setting.upper()


def flag(setting: str) -> str:
    """Return the flag of a setting on the command line."""
    return "--" + setting.replace("_", "-")


def named(setting: str) -> str:
    """Return a setting's variable and flag, as errors name it."""
    return f"{variable(setting)} ({flag(setting)})"


def unknown(environment: Iterable[str], known: Iterable[str]) -> dict[str, list[str]]:
    """Return the variables that have the prefix and are no settings, with similar settings.

    Args:
        environment: The names of variables.
        known: The names of settings.
    """
    given = (name for name in environment if name.upper().startswith(PREFIX))
    settings = {name.upper(): variable(name) for name in known}
    return {
        name: [settings[each] for each in difflib.get_close_matches(setting, settings)]
        for name in given
        if (setting := name.upper().removeprefix(PREFIX)) not in settings
    }
