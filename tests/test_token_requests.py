"""Answers to a token request that are no token."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from singer_sdk.exceptions import FatalAPIError

from tap_constantcontact.auth.authenticator import authenticator
from tap_constantcontact.sandbox.account import Account
from tap_constantcontact.sandbox.server import Sandbox
from tests.conftest import config_for

LEADS = {
    "https://ada:hush@portal.example.com/login?token=hush#hush": "https://portal.example.com/login",
    "/login?token=hush": "{root}/login",
    "": "",
}


NO_ADDRESS = "http://[hush"


@pytest.mark.parametrize("location", [*LEADS, NO_ADDRESS])
def test_a_token_request_that_is_redirected_says_where(tmp_path: Path, location: str) -> None:
    @web.middleware
    async def redirect(request: web.Request, handler: Any) -> Any:
        return web.Response(status=302, headers={"Location": location} if location else {})

    with Sandbox(Account(size=0), middlewares=[redirect]) as sandbox:
        config = config_for(sandbox, tmp_path, request_timeout=60)
        with pytest.raises(FatalAPIError) as caught:
            authenticator(config).authenticate_request(None)  # type: ignore[arg-type]
        lead = LEADS.get(location, "").format(root=sandbox.url)
    if location != NO_ADDRESS:  # which requests itself fails at
        assert (f"(HTTP 302, to {lead})" if lead else "(HTTP 302)") in str(caught.value)
    assert "Check auth_url" in str(caught.value)
    assert "hush" not in str(caught.value)
