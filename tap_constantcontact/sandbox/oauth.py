"""The sandbox's authorization server: the refresh grant, with tokens that rotate."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from aiohttp import BasicAuth, web

ACCESS_TOKEN_LIFE = 86_400


@dataclass
class Authorization:
    """An application, its grants and its tokens.

    Attributes:
        client_id: The application.
        client_secret: Its secret, or None for a public application.
        refresh_token: The only refresh token that works.
        lifetime: Seconds that an access token lives.
        clock: What tells the seconds since the epoch.
        access_tokens: When each access token ends.
        spent: How often each refresh token was used.
    """

    client_id: str = "sandbox"
    client_secret: str | None = "sandbox-secret"  # noqa: S105 - of no account
    refresh_token: str = "sandbox-refresh-token"  # noqa: S105
    lifetime: float = ACCESS_TOKEN_LIFE
    clock: Callable[[], float] = time.time
    access_tokens: dict[str, float] = field(default_factory=dict)
    spent: dict[str, int] = field(default_factory=dict)

    async def token(self, request: web.Request) -> web.Response:
        """Answer a token request, whose parameters may come as a form or in the query."""
        form = {
            **request.query,
            **{key: str(value) for key, value in (await request.post()).items()},
        }
        if not self._is_client(request, form):
            return _error("invalid_client", "The client could not be authenticated.", 401)
        if form.get("grant_type") != "refresh_token":
            return _error("unsupported_grant_type", "Only refresh_token is granted here.", 400)
        token = form.get("refresh_token", "")
        self.spent[token] = self.spent.get(token, 0) + 1
        if not secrets.compare_digest(token.encode(), self.refresh_token.encode()):
            return _error("invalid_grant", "The refresh token is invalid or expired.", 400)
        self.refresh_token = secrets.token_urlsafe(24)
        return web.json_response(
            {
                "token_type": "Bearer",
                "expires_in": self.lifetime,
                "access_token": self.issue(),
                "refresh_token": self.refresh_token,
                "scope": "contact_data campaign_data account_read offline_access",
            }
        )

    def issue(self) -> str:
        """Return a new access token."""
        token = secrets.token_urlsafe(24)
        self.access_tokens[token] = self.clock() + self.lifetime
        return token

    def accepts(self, request: web.Request) -> bool:
        """Tell whether a request brings an access token that is alive."""
        token = request.headers.get("Authorization", "").removeprefix("Bearer ")
        return self.access_tokens.get(token, 0) > self.clock()

    def _is_client(self, request: web.Request, form: dict[str, Any]) -> bool:
        if self.client_secret is None:
            return (
                form.get("client_id") == self.client_id and "Authorization" not in request.headers
            )
        try:
            auth = BasicAuth.decode(request.headers.get("Authorization", ""))
        except ValueError:
            return False
        return (auth.login, auth.password) == (self.client_id, self.client_secret)


def _error(error: str, description: str, status: int) -> web.Response:
    return web.json_response({"error": error, "error_description": description}, status=status)
