"""The sandbox's v3 API."""

from __future__ import annotations

from collections.abc import Collection

from aiohttp import web
from aiohttp.typedefs import Handler

from tap_constantcontact.sandbox.endpoints import (
    account,
    audience,
    automations,
    campaign_reports,
    campaigns,
    contact_jobs,
    contact_reports,
    contacts,
    email_reports,
    events,
    landing_pages,
    partner,
    sms,
)
from tap_constantcontact.sandbox.endpoints.endpoint import Endpoint, Service
from tap_constantcontact.sandbox.endpoints.parameters import forbidden

ENDPOINTS: tuple[Endpoint, ...] = (
    *account.ENDPOINTS,
    *audience.ENDPOINTS,
    *campaign_reports.ENDPOINTS,
    *campaigns.ENDPOINTS,
    *contact_jobs.ENDPOINTS,
    *contact_reports.ENDPOINTS,
    *contacts.ENDPOINTS,
    *email_reports.ENDPOINTS,
    *events.ENDPOINTS,
    *landing_pages.ENDPOINTS,
    *sms.ENDPOINTS,
    *automations.ENDPOINTS,
    *partner.ENDPOINTS,
)
PREFIX = "/v3"
ACCESS = {f"{PREFIX}{endpoint.path}": endpoint.access for endpoint in ENDPOINTS}


class Api(Service):
    """The endpoints over an account."""

    def routes(self) -> list[web.RouteDef]:
        """Return where the endpoints are."""
        return [
            web.get(f"{PREFIX}{endpoint.path}", self._handler(endpoint)) for endpoint in ENDPOINTS
        ]

    def _handler(self, endpoint: Endpoint) -> Handler:
        if endpoint is contacts.CONTACT_COLLECTION:
            return self.contacts

        async def handle(request: web.Request) -> web.StreamResponse:
            return endpoint.respond(self, request)

        return handle

    async def contacts(self, request: web.Request) -> web.StreamResponse:
        """GET /contacts, of its own so that a test can change the account between two pages."""
        return contacts.CONTACT_COLLECTION.respond(self, request)

    def check(self, request: web.Request, scopes: Collection[str]) -> None:
        """Refuse a request that is forbidden.

        Args:
            request: What is asked.
            scopes: The scopes of its token.

        Raises:
            HTTPForbidden: It is.
        """
        resource = request.match_info.route.resource
        access = ACCESS.get(resource.canonical if resource else "")
        if access is None:
            # As others have seen: an unknown path is forbidden by the gateway, not unknown.
            body = '{"message":"Forbidden"}'
            raise web.HTTPForbidden(text=body, content_type="application/json")
        if access.scope and access.scope not in scopes:
            raise forbidden(f"The access token lacks the scope {access.scope}.")
        if access.privilege and access.privilege not in self.privileges:
            raise forbidden("Request forbidden due to insufficient user privileges.")
