"""Signing in where the test keeps the time."""

from __future__ import annotations

from typing import Any

import pytest
import requests

from tap_constantcontact.auth.sign_in.flows import SignIn
from tap_constantcontact.exceptions import FatalAPIError
from tap_constantcontact.sandbox.oauth import Authorization
from tap_constantcontact.sandbox.server import Sandbox
from tests.auth.sign_in.conftest import decide
from tests.clocks import PatientClock, StillClock

pytestmark = pytest.mark.contacts(3, young=True)


def test_a_device_slows_down_when_told_to(
    sandbox: Sandbox, authorization: Authorization, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 1_000_000.0
    asked: list[float] = []
    kept: list[Any] = []
    granted = Authorization._asked_by_device

    def watch(self: Authorization, form: Any) -> Any:
        (device,) = self.devices.values()
        asked.append(now)
        if len(asked) == 1:
            device.asked_at = now
        return granted(self, form)

    def move(seconds: float) -> None:
        nonlocal now
        now += seconds
        if not asked:
            (device,) = authorization.devices.values()
            query = {"user_code": device.user_code}
            decide(requests.get(f"{sandbox.url}/activate", query, timeout=30), "allow")

    authorization.clock = lambda: now
    authorization.interval = 0.25
    monkeypatch.setattr(Authorization, "_asked_by_device", watch)
    application = {"client_id": "sandbox", "auth_url": sandbox.auth_url, "request_timeout": 30}
    clock = StillClock()
    monkeypatch.setattr(clock, "sleep", move)
    SignIn(application, "contact_data offline_access", clock).by_device(kept.append)
    assert len(asked) == 2
    assert asked[1] - asked[0] >= 5
    assert kept[0].refresh_token == authorization.refresh_token


def test_a_server_that_cannot_be_reached_is_named() -> None:
    application = {
        "client_id": "sandbox",
        "auth_url": "http://127.0.0.1:9/oauth2",
        "request_timeout": 30,
    }
    with pytest.raises(FatalAPIError) as caught:
        SignIn(application, "contact_data", PatientClock()).by_device(lambda _: None)
    assert "127.0.0.1:9/oauth2 cannot be reached (no connection)" in str(caught.value)
