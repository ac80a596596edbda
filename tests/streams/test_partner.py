"""A technology partner's accounts."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from tap_constantcontact.sandbox.server import Sandbox
from tests.runs import Runner

pytestmark = pytest.mark.contacts(20)


def test_the_partner_s_api_key_is_sent_to_no_other_endpoint(
    run: Runner, requests_seen: list[Any]
) -> None:
    run(streams=("partner_accounts", "contact_tags"))
    keys = {request.path: request.headers.get("x-api-key") for request in requests_seen}
    assert keys == {"/v3/partner/accounts": "sandbox", "/v3/contact_tags": None}


def test_a_key_that_is_no_partner_s_is_told_so(
    run: Runner, sandbox: Sandbox, caplog: pytest.LogCaptureFixture
) -> None:
    sandbox.api.partner = False
    assert run(streams="partner_accounts").exit_code == 1
    (said,) = [r.getMessage() for r in caplog.records if r.levelno >= logging.ERROR]
    assert "Only a technology partner can read it" in said
