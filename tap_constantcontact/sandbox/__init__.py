"""A local Constant Contact: its data, its API, its tokens.

It serves what `tap-constantcontact` reads and no more, as the published contract describes it. It
is what the `sandbox` setting reads and what the tests run against, and it runs alone as
`python -m tap_constantcontact.sandbox`. It needs the extra `sandbox`.
"""

from __future__ import annotations

from typing import Any

from singer_sdk.exceptions import ConfigValidationError

NO_LIMIT = 1_000_000
"""What is more than anybody asks of a sandbox, by the second or by the day."""


def credentials() -> dict[str, Any]:
    """Start a sandbox in this process and return the settings by which a tap reads it.

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
    sandbox = Sandbox().start()
    return {
        "api_url": sandbox.api_url,
        "auth_url": sandbox.auth_url,
        "access_token": sandbox.authorization.issue(),
        "requests_per_second": NO_LIMIT,
        "daily_request_limit": NO_LIMIT,
    }
