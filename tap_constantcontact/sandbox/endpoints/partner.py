"""The accounts of a partner."""

from __future__ import annotations

from tap_constantcontact.sandbox.data.basics import Row
from tap_constantcontact.sandbox.endpoints.endpoint import (
    ANYBODY,
    Answer,
    Call,
    Endpoint,
    Service,
)
from tap_constantcontact.sandbox.endpoints.parameters import (
    Parameters,
    forbidden,
    one_of,
    whole,
)

SMALLEST_PAGE, LARGEST_PAGE = 10, 50


def accounts(call: Call) -> Answer:
    """GET /partner/accounts: a page from an offset on; a limit out of bounds is ignored."""
    if not call.service.partner:
        raise forbidden("The key is not a partner's.")
    kind = call.query.get("account_type", "all")
    rows: list[Row] = [
        row
        for number, row in enumerate(_clients(call.service))
        if kind in ("all", "unmanaged" if number % 3 == 0 else "managed")
    ]
    asked = call.query.get("limit", LARGEST_PAGE)
    size = asked if SMALLEST_PAGE <= asked <= LARGEST_PAGE else LARGEST_PAGE
    first = call.query.get("offset", 0)
    end = first + size
    body: Row = {"site_owner_list": rows[first:end]}
    if end < len(rows):
        href = f"/v3/partner/accounts?limit={size}&offset={end}&account_type={kind}"
        body["_links"] = {"next": {"href": href}}
    return body


def _clients(service: Service) -> list[Row]:
    """Return the accounts of the key, or invented ones if it has only one."""
    if service.others:
        return [account.as_client() for account in service.accounts]
    return service.account.partner_accounts()


ENDPOINTS = (
    Endpoint(
        "/partner/accounts",
        ANYBODY,
        accounts,
        Parameters(
            {
                "offset": whole(0, 10**9),
                "limit": int,
                "account_type": one_of("all", "managed", "unmanaged"),
            }
        ),
        cursors=(),
    ),
)
