"""The sandbox's pages: where a person signs in and allows, or denies, an application its data."""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aiohttp import web
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from yarl import URL

from tap_constantcontact.sandbox.oauth import CODE_LIFE, SCOPES, Authorization, Code, Device

REGISTERED = re.compile(r"http://(localhost|127\.0\.0\.1):\d+/callback")
"""The redirect addresses that the sandbox's application is registered with."""

MEANING = {
    "contact_data": "Read contacts, lists and contact reports",
    "campaign_data": "Read campaigns and their reports",
    "account_read": "Read the account's details",
    "account_update": "Change the account's details",
    "offline_access": "Do so while nobody is signed in",
}


@dataclass
class Question:
    """What a person is asked in a browser.

    Attributes:
        scope: What the application asks for.
        redirect_uri: Where the answer goes.
        state: What the application wants back with it.
        challenge: Its PKCE challenge, if it sent one.
    """

    scope: str
    redirect_uri: str
    state: str
    challenge: str | None


class SignInPages:
    """The pages of an authorization server."""

    def __init__(self, authorization: Authorization) -> None:
        self._authorization = authorization
        self._open: dict[str, Question | Device] = {}
        self._pages = Environment(
            loader=FileSystemLoader(Path(__file__).parent / "pages"),
            autoescape=True,
            undefined=StrictUndefined,
        )

    def routes(self) -> list[web.RouteDef]:
        """Return where the pages are."""
        return [
            web.get("/oauth2/default/v1/authorize", self.authorize),
            web.post("/decision", self.decide),
            web.get("/activate", self.activate),
        ]

    async def authorize(self, request: web.Request) -> web.Response:
        """Ask a person, on behalf of an application that sent them here."""
        query = request.query
        redirect_uri = query.get("redirect_uri", "")
        if query.get("client_id") != self._authorization.client_id:
            return self._message("Unknown application", "No application has this client_id.", 400)
        if not REGISTERED.fullmatch(redirect_uri):
            return self._message(
                "Unknown redirect address",
                f"The application is not registered with the redirect_uri {redirect_uri!r}.",
                400,
            )
        if error := self._fault(request):
            return _sent_back(redirect_uri, error=error, state=query.get("state", ""))
        question = Question(
            query.get("scope", ""),
            redirect_uri,
            query.get("state", ""),
            query.get("code_challenge"),
        )
        return self._ask(question)

    def _fault(self, request: web.Request) -> str | None:
        query = request.query
        challenge, method = query.get("code_challenge"), query.get("code_challenge_method")
        if query.get("response_type") != "code":
            return "unsupported_response_type"
        if not query.get("scope") or set(query["scope"].split()) - {*SCOPES}:
            return "invalid_scope"
        needs_pkce = self._authorization.client_secret is None
        if (challenge or needs_pkce) and (not challenge or method != "S256"):
            return "invalid_request"
        return None

    async def activate(self, request: web.Request) -> web.Response:
        """Take the code that a device shows."""
        user_code = request.query.get("user_code", "").strip().upper()
        if not user_code:
            return self._page("activate.html", wrong=None)
        for device in self._authorization.devices.values():
            waits = device.allowed is None and device.ends_at > self._authorization.clock()
            if waits and device.user_code.replace("-", "") == user_code.replace("-", ""):
                return self._ask(device)
        return self._page("activate.html", wrong=user_code)

    def _ask(self, question: Question | Device) -> web.Response:
        ticket = secrets.token_urlsafe(16)
        self._open[ticket] = question
        scopes = [MEANING[scope] for scope in question.scope.split()]
        return self._page(
            "consent.html", client_id=self._authorization.client_id, scopes=scopes, ticket=ticket
        )

    async def decide(self, request: web.Request) -> web.Response:
        """Take a person's decision, once."""
        form = await request.post()
        question = self._open.pop(str(form.get("ticket")), None)
        allowed = form.get("decision") == "allow"
        if question is None:
            return self._message(
                "Already answered",
                "This question was answered before. Start the sign-in again in the program.",
                410,
            )
        if isinstance(question, Device):
            question.allowed = allowed
            return self._message(
                "Allowed" if allowed else "Denied",
                "You can close this window and go back to the terminal.",
            )
        if not allowed:
            return _sent_back(question.redirect_uri, error="access_denied", state=question.state)
        code = secrets.token_urlsafe(24)
        self._authorization.codes[code] = Code(
            question.scope,
            question.redirect_uri,
            question.challenge,
            self._authorization.clock() + CODE_LIFE,
        )
        return _sent_back(question.redirect_uri, code=code, state=question.state)

    def _message(self, title: str, text: str, status: int = 200) -> web.Response:
        return self._page("message.html", status=status, title=title, text=text)

    def _page(self, template: str, status: int = 200, **values: Any) -> web.Response:
        html = self._pages.get_template(template).render(values)
        return web.Response(text=html, content_type="text/html", status=status)


def _sent_back(redirect_uri: str, **query: str) -> web.Response:
    return web.Response(status=302, headers={"Location": str(URL(redirect_uri) % query)})
