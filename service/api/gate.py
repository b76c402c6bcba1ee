"""Lets requests in by their API keys, before anything of their bodies is read."""

import time

from starlette.types import ASGIApp, Receive, Scope, Send

from service.access.entry import Entry, shown
from service.access.identity import IDENTITY, Identity, ScopeName, address_of
from service.access.keyring import Keyring
from service.api.credentials import INVALID_TOKEN, key_of
from service.api.log_limit import LogLimit
from service.api.refusal import refuse
from service.api.request import Exchange
from service.api.routing import Serving
from service.api.scopes import NEEDED, scope_of
from service.errors import Forbidden, Unauthenticated

REFUSED = "access"
"""What requests are counted as that are not let in."""


class Gate:
    """Middleware that knows who sends a request, and responds itself to those it refuses."""

    def __init__(self, app: ASGIApp, keyring: Keyring, serving: Serving) -> None:
        """Guard an application.

        Args:
            app: The application.
            keyring: The keys.
            serving: Counts, logs and traces the requests that are refused.
        """
        self.app = app
        self._keyring = keyring
        self._serving = serving
        self._log_limit = LogLimit("requests without a key that the service knows")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            try:
                self._let_in(scope, scope_of(scope["path"]))
            except (Unauthenticated, Forbidden) as error:
                exchange = Exchange(scope, receive, send)
                if isinstance(error, Unauthenticated):
                    exchange.is_quiet = not self._log_limit.has_room()
                await refuse(self._serving, exchange, REFUSED, error)
                return
        await self.app(scope, receive, send)

    def _let_in(self, scope: Scope, needed: ScopeName | None) -> None:
        """Note who sends a request. Raises Unauthenticated or Forbidden."""
        if needed is None:
            identity = Identity(None, address_of(scope), frozenset())
        else:
            entry = self._entry(key_of(scope["headers"]))
            identity = Identity(entry.name, address_of(scope), entry.scopes, entry.allowance)
        state = scope.setdefault("state", {})
        state[IDENTITY] = identity
        state[NEEDED] = needed
        if needed is not None and needed not in identity.scopes:
            raise Forbidden(
                f"API key: expected one with the scope {needed}, received that of {identity.name} "
                f"with {', '.join(sorted(identity.scopes))}",
                scope=needed,
            )

    def _entry(self, key: str) -> Entry:
        entry = self._keyring.find(key)
        if entry is None:
            raise Unauthenticated(
                "API key: expected one that the service knows, received another",
                fault=INVALID_TOKEN,
            )
        if entry.expires <= time.time():
            raise Unauthenticated(
                "API key: expected one that has not expired, received that of "
                f"{entry.name} which expired at {shown(entry.expires)}",
                fault=INVALID_TOKEN,
            )
        return entry
