"""Token requests: what they are answered that is no token, and what a run then says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from singer_sdk.exceptions import FatalAPIError

from tap_constantcontact.auth.authenticator import authenticator
from tap_constantcontact.sandbox.account import Account
from tap_constantcontact.sandbox.oauth import Authorization
from tap_constantcontact.sandbox.server import Sandbox
from tests.clocks import PatientClock
from tests.expected import Expected
from tests.harness import answer, config_for, every, sync

LEADS = {
    "https://ada:hush@portal.example.com/login?token=hush#hush": "https://portal.example.com/login",
    "/login?token=hush": "{root}/login",
    "": "",
}

pytestmark = pytest.mark.usefixtures("present")


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


def test_a_refused_refresh_token_says_to_sign_in(failing: Any) -> None:
    _, said = failing(refresh_token="spent")
    assert "sign in again" in said
    assert "spent" not in said


def test_a_wrong_application_says_so(failing: Any) -> None:
    _, said = failing(client_secret="wrong-secret")
    assert "invalid_client" in said
    assert "wrong-secret" not in said


def test_a_token_endpoint_that_recovers_is_tried_again(
    account: Account, tmp_path: Path, clock: PatientClock
) -> None:
    flaky = every(2, answer(429, "", "text/plain"), "/oauth2")
    authorization = Authorization(lifetime=0.001)
    with Sandbox(account, authorization=authorization, middlewares=[flaky]) as sandbox:
        authorization.lifetime = 86400
        result = sync(config_for(sandbox, tmp_path), streams=("contact_lists",), clock=clock)
    assert result.by_key("contact_lists") == Expected(account).contact_lists()
