"""A local Constant Contact: its data, its API, its sign-in.

It serves the endpoints that `tap-constantcontact` reads, as the published contract describes them.
The setting `sandbox` reads it, the tests run against it, and it can be run by itself as
`python -m tap_constantcontact.sandbox`. It needs the extra `sandbox`.
"""

from __future__ import annotations

from typing import Any

from singer_sdk.exceptions import ConfigValidationError

NO_LIMIT = 1_000_000
"""A number of requests, a second or a day, that no run reaches."""


def credentials() -> dict[str, Any]:
    """Start a sandbox in this process, and return the settings with which a tap reads it.

    Raises:
        ConfigValidationError: The extra `sandbox` is not installed.
    """
    try:
        from tap_constantcontact.sandbox.server import Sandbox  # noqa: PLC0415 - an extra
    except ModuleNotFoundError as error:
        raise ConfigValidationError(
            "Config validation failed",
            errors=["sandbox needs an extra: run pip install 'tap-constantcontact[sandbox]'"],
        ) from error
    sandbox = Sandbox()
    sandbox.api.partner = True
    sandbox.start()
    return {
        "api_url": sandbox.api_url,
        "auth_url": sandbox.auth_url,
        "access_token": sandbox.authorization.issue(),
        "requests_per_second": NO_LIMIT,
        "daily_request_limit": NO_LIMIT,
    }
