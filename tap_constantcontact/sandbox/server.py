"""The sandbox as a local server, in its own thread."""

from __future__ import annotations

import asyncio
import base64
import threading
import uuid
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from aiohttp import web

from tap_constantcontact.sandbox.account import Account, Row
from tap_constantcontact.sandbox.api import Api
from tap_constantcontact.sandbox.limits import Limits
from tap_constantcontact.sandbox.oauth import READING, Authorization
from tap_constantcontact.sandbox.sign_in import SignInPages

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Middleware = Callable[[web.Request, Handler], Awaitable[web.StreamResponse]]

SHUTDOWN_TIMEOUT = 0.1
"""Seconds to wait for unfinished requests when the sandbox stops."""


UNAUTHORIZED = {
    "x-amzn-ErrorType": "UnauthorizedException",
    "WWW-Authenticate": "Bearer realm=api.cc.email",
}
"""Headers of an answer 401. (Recorded.)"""


def _sign(request: web.Request, response: web.StreamResponse) -> None:
    """Give an answer of the API the headers that its gateway adds (recorded)."""
    if request.path.startswith("/v3/"):
        number = uuid.uuid4()
        signature = {
            "Content-Type": "application/json",
            "x-amzn-trace-id": f"Root=1-{number.hex[:8]}-{number.hex[8:]};Sampled=0",
            "x-amzn-requestid": str(number),
            "x-amz-apigw-id": base64.b64encode(number.hex[:11].encode()).decode(),
            "x-eig-tracking-id": str(uuid.uuid4()),
            "x-cache": "Miss from cloudfront",
        }
        response.headers.update(signature)


class Sandbox:
    """A local Constant Contact.

    Args:
        account: The account that it serves.
        others: More accounts of the same key; the token of a request tells which one it reads.
        authorization: The application and its tokens.
        limits: The limits of the key.
        middlewares: Called for each request, for example to simulate faults.
    """

    def __init__(
        self,
        account: Account | None = None,
        *,
        others: Sequence[Account] = (),
        authorization: Authorization | None = None,
        limits: Limits | None = None,
        middlewares: Sequence[Any] = (),
    ) -> None:
        self.account = account or Account()
        self.authorization = authorization or Authorization()
        self.limits = limits or Limits()
        self.api = Api(
            self.account,
            others={other.encoded_account_id: other for other in others},
            opened=self.authorization.account_of,
        )
        self._middlewares = middlewares
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._runner: web.AppRunner | None = None
        self.url = ""

    @property
    def api_url(self) -> str:
        """Base URL of the API."""
        return f"{self.url}/v3"

    @property
    def auth_url(self) -> str:
        """Base URL of the authorization server."""
        return f"{self.url}/oauth2/default/v1"

    def configurations(self) -> list[Row]:
        """Let the application read each account, and return a name and a tap's settings of each."""
        shared = {
            "api_url": self.api_url,
            "auth_url": self.auth_url,
            "client_id": self.authorization.client_id,
        }
        if self.authorization.client_secret:
            shared["client_secret"] = self.authorization.client_secret
        names = [account.encoded_account_id for account in self.api.accounts]
        return [
            {
                "name": name,
                "config": {
                    **shared,
                    "refresh_token": self.authorization.grant(READING, account=name),
                },
            }
            for name in names
        ]

    def app(self) -> web.Application:
        """Return the application that answers the requests."""

        @web.middleware
        async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
            try:
                response = await self._guard(request, handler)
            except web.HTTPException as refusal:
                _sign(request, refusal)
                raise
            _sign(request, response)
            return response

        app = web.Application(middlewares=[*self._middlewares, guard])
        app.add_routes(
            [
                web.post("/oauth2/default/v1/token", self.authorization.token),
                web.post("/oauth2/default/v1/device/authorize", self.authorization.device),
                *SignInPages(self.authorization).routes(),
                *self.api.routes(),
            ]
        )
        return app

    async def _guard(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Let requests to the API through that bring a token and keep to the limits."""
        if request.path.startswith("/v3/"):
            if not self.authorization.accepts(request):
                error = {"error_key": "unauthorized", "error_message": "Unauthorized"}
                return web.json_response(error, status=401, headers=UNAUTHORIZED)
            if error_429 := self.limits.refuse():
                return web.json_response(error_429, status=429)
            self.api.check(request, self.authorization.scopes_of(request))
        return await handler(request)

    def start(self, host: str = "127.0.0.1", port: int = 0) -> Sandbox:
        """Serve from a thread that ends with the process; returns once requests are answered."""
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._listen(host, port), self._loop).result()
        return self

    async def _listen(self, host: str, port: int) -> None:
        self._runner = web.AppRunner(self.app(), access_log=None, shutdown_timeout=SHUTDOWN_TIMEOUT)
        await self._runner.setup()
        site = web.TCPSite(self._runner, host, port)
        await site.start()
        bound = self._runner.addresses[0][1]
        self.url = f"http://{host}:{bound}"

    async def _end(self) -> None:
        if self._runner:
            await self._runner.cleanup()
        pending = asyncio.all_tasks() - {asyncio.current_task()}
        for task in pending:
            task.cancel()
        await asyncio.gather(*pending, return_exceptions=True)

    def stop(self) -> None:
        """Stop serving."""
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def __enter__(self) -> Sandbox:  # noqa: PYI034 - Self needs Python 3.11
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()
