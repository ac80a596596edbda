"""The sandbox's authorization server: an application, its grants and its tokens."""

from __future__ import annotations

import hashlib
import json
import secrets
import time
from base64 import urlsafe_b64encode
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from aiohttp import BasicAuth, web

ACCESS_TOKEN_LIFE = 86_400
CODE_LIFE = 300
DEVICE_LIFE = 600
IDLE_LIFE = 180 * 86_400
READING = "contact_data campaign_data account_read offline_access"
SCOPES = ("contact_data", "campaign_data", "account_read", "account_update", "offline_access")
DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code"

Form = Mapping[str, str]


class RefusedError(Exception):
    """A request that the authorization server answers with an error.

    Args:
        error: The error's code.
        description: What went wrong, for a person.
    """

    def __init__(self, error: str, description: str) -> None:
        super().__init__(description)
        self.error = error
        self.description = description


@dataclass
class Grant:
    """A person's permission for the application.

    Attributes:
        scope: The scopes, with spaces between them.
        used_at: When the refresh token was last used.
        account: Whose data it opens, by `encoded_account_id`; empty for the sandbox's own account.
    """

    scope: str
    used_at: float
    account: str = ""


@dataclass
class Code:
    """An authorization code.

    Attributes:
        scope: What it stands for.
        redirect_uri: Where it was sent.
        challenge: What the verifier must hash to, or None without PKCE.
        ends_at: When it expires.
    """

    scope: str
    redirect_uri: str
    challenge: str | None
    ends_at: float


@dataclass
class Device:
    """A device that waits for a person to allow it something.

    Attributes:
        scope: What it asks for.
        user_code: What the person enters.
        ends_at: When it expires.
        interval: Seconds that it must leave between two questions.
        allowed: What the person decided, if they did.
        asked_at: When it last asked.
    """

    scope: str
    user_code: str
    ends_at: float
    interval: float
    allowed: bool | None = None
    asked_at: float = 0.0


@dataclass
class Authorization:
    """An application and its tokens.

    Attributes:
        client_id: The application.
        client_secret: Its secret, or None for a public application.
        rotating: Whether a refresh replaces the refresh token and ends all earlier ones.
        lifetime: Seconds that an access token lives.
        interval: Seconds that a device must leave between two questions.
        clock: What tells the seconds since the epoch.
        access_tokens: When each access token ends.
        scopes: What each access token may be used for.
        accounts: Whose data each access token opens, as in `Grant`.
        grants: What each refresh token that works stands for, the newest last.
        codes: The authorization codes that were not used yet.
        devices: The devices that wait, by device code.
        spent: How often each refresh token was used.
    """

    client_id: str = "sandbox"
    client_secret: str | None = "sandbox-secret"  # noqa: S105 - of no account
    rotating: bool = True
    lifetime: float = ACCESS_TOKEN_LIFE
    interval: float = 5.0
    clock: Callable[[], float] = time.time
    access_tokens: dict[str, float] = field(default_factory=dict)
    scopes: dict[str, str] = field(default_factory=dict)
    accounts: dict[str, str] = field(default_factory=dict)
    grants: dict[str, Grant] = field(default_factory=dict)
    codes: dict[str, Code] = field(default_factory=dict)
    devices: dict[str, Device] = field(default_factory=dict)
    spent: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.grant(READING, "sandbox-refresh-token")

    @property
    def refresh_token(self) -> str:
        """The newest refresh token."""
        return [*self.grants][-1]

    def grant(self, scope: str, refresh_token: str | None = None, account: str = "") -> str:
        """Note a person's permission, and return its refresh token."""
        token = refresh_token or secrets.token_urlsafe(24)
        self.grants[token] = Grant(scope, self.clock(), account)
        return token

    def issue(self, scope: str = READING, account: str = "") -> str:
        """Return a new access token, a JSON Web Token as Okta's servers issue them."""
        claims = {"jti": secrets.token_urlsafe(24), "scp": scope.split()}
        token = ".".join((_encoded({"alg": "none"}), _encoded(claims), secrets.token_urlsafe(24)))
        self.access_tokens[token] = self.clock() + self.lifetime
        self.scopes[token] = scope
        self.accounts[token] = account
        return token

    def accepts(self, request: web.Request) -> bool:
        """Tell whether a request brings an access token that is alive."""
        return self.access_tokens.get(_bearer(request), 0) > self.clock()

    def scopes_of(self, request: web.Request) -> list[str]:
        """Return the scopes of a request's access token."""
        return self.scopes.get(_bearer(request), "").split()

    def account_of(self, request: web.Request) -> str:
        """Return whose data a request's access token opens."""
        return self.accounts.get(_bearer(request), "")

    # What the application asks

    async def token(self, request: web.Request) -> web.Response:
        """Respond to a token request, whose parameters may be in the form or in the query."""
        form = await _form(request)
        if not self._is_client(request, form):
            return _refusal("invalid_client", "The client could not be authenticated.", 401)
        grants: dict[str | None, Callable[[Form], tuple[Grant, str | None]]] = {
            "refresh_token": self._refreshed,
            "authorization_code": self._redeemed,
            DEVICE_GRANT: self._asked_by_device,
        }
        granted = grants.get(form.get("grant_type"))
        if granted is None:
            return _refusal("unsupported_grant_type", "This grant type is not known here.")
        try:
            grant, refresh_token = granted(form)
        except RefusedError as refused:
            return _refusal(refused.error, refused.description)
        answer = {
            "token_type": "Bearer",
            "expires_in": self.lifetime,
            "access_token": self.issue(grant.scope, grant.account),
            "scope": grant.scope,
        }
        return web.json_response(
            answer | ({"refresh_token": refresh_token} if refresh_token else {})
        )

    def _refreshed(self, form: Form) -> tuple[Grant, str | None]:
        token = form.get("refresh_token", "")
        self.spent[token] += 1
        grant = self.grants.get(token)
        if grant is None or grant.used_at + IDLE_LIFE < self.clock():
            raise RefusedError("invalid_grant", "The refresh token is invalid or expired.")
        if not self.rotating:
            grant.used_at = self.clock()
            return grant, token
        del self.grants[token]
        return grant, self.grant(grant.scope, account=grant.account)

    def _redeemed(self, form: Form) -> tuple[Grant, str | None]:
        code = self.codes.pop(form.get("code", ""), None)
        if code is None or code.ends_at < self.clock():
            raise RefusedError("invalid_grant", "The authorization code is invalid or expired.")
        if form.get("redirect_uri") != code.redirect_uri:
            raise RefusedError("invalid_grant", "The redirect_uri is not the one of the code.")
        if code.challenge is not None and code.challenge != _s256(form.get("code_verifier", "")):
            raise RefusedError("invalid_grant", "PKCE verification failed.")
        return self._first_token(code.scope)

    def _asked_by_device(self, form: Form) -> tuple[Grant, str | None]:
        device = self.devices.get(form.get("device_code", ""))
        if device is None:
            raise RefusedError("invalid_grant", "The device code is not known.")
        asked_at, device.asked_at = device.asked_at, self.clock()
        if device.ends_at < self.clock():
            raise RefusedError("expired_token", "The device code has expired.")
        if self.clock() - asked_at < device.interval:
            device.interval += 5
            raise RefusedError("slow_down", "The device asks too often.")
        if device.allowed is None:
            raise RefusedError("authorization_pending", "The person has not decided yet.")
        self.devices = {code: other for code, other in self.devices.items() if other is not device}
        if not device.allowed:
            raise RefusedError("access_denied", "The person said no.")
        return self._first_token(device.scope)

    def _first_token(self, scope: str) -> tuple[Grant, str | None]:
        refresh_token = self.grant(scope) if "offline_access" in scope.split() else None
        return Grant(scope, self.clock()), refresh_token

    async def device(self, request: web.Request) -> web.Response:
        """Answer a device that asks to be let in."""
        form = await _form(request)
        if form.get("client_id") != self.client_id:
            return _refusal("invalid_client", "The application is not known.", 401)
        scope = form.get("scope", "")
        if unknown := set(scope.split()) - {*SCOPES}:
            return _refusal("invalid_scope", f"Not known: {', '.join(sorted(unknown))}.")
        letters = "BCDFGHJKLMNPQRSTVWXZ"
        user_code = "-".join("".join(secrets.choice(letters) for _ in range(4)) for _ in range(2))
        device_code = secrets.token_urlsafe(24)
        self.devices[device_code] = Device(
            scope, user_code, self.clock() + DEVICE_LIFE, self.interval
        )
        page = f"{request.url.origin()}/activate"
        return web.json_response(
            {
                "device_code": device_code,
                "user_code": user_code,
                "verification_uri": page,
                "verification_uri_complete": f"{page}?user_code={user_code}",
                "expires_in": DEVICE_LIFE,
                "interval": self.interval,
            }
        )

    def _is_client(self, request: web.Request, form: Form) -> bool:
        if self.client_secret is None:
            return (
                form.get("client_id") == self.client_id and "Authorization" not in request.headers
            )
        try:
            auth = BasicAuth.decode(request.headers.get("Authorization", ""))
        except ValueError:
            return False
        return (auth.login, auth.password) == (self.client_id, self.client_secret)


def _bearer(request: web.Request) -> str:
    return request.headers.get("Authorization", "").removeprefix("Bearer ")


async def _form(request: web.Request) -> Form:
    return {**request.query, **{key: str(value) for key, value in (await request.post()).items()}}


def _encoded(part: Mapping[str, Any]) -> str:
    """Return a part of a JSON Web Token (RFC 7519, section 3)."""
    return urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode()


def _s256(verifier: str) -> str:
    """Return the challenge of a verifier (RFC 7636, section 4.2)."""
    return urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()


def _refusal(error: str, description: str, status: int = 400) -> web.Response:
    body: dict[str, Any] = {"error": error, "error_description": description}
    return web.json_response(body, status=status)
