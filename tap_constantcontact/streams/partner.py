"""A technology partner's clients.

https://v3.developer.constantcontact.com/api_reference/#tag-Technology-Partners.
"""

from __future__ import annotations

from typing import Any

from typing_extensions import override

from tap_constantcontact.reading.collection import Collection
from tap_constantcontact.reading.query import Query
from tap_constantcontact.streams.fields import instant, integer, key, schema, text


class PartnerAccountsStream(Collection):
    """The accounts of a technology partner's clients.

    The endpoint takes a partner's own kind of access token, together with the partner's API key in
    a header. (Contract.)
    """

    name = "partner_accounts"
    path = "/partner/accounts"
    records_key = "site_owner_list"
    scope = None
    privilege = None
    primary_keys = ("encoded_account_id",)
    page_size = 50
    cost = "1 per 50 accounts; 2 if there are more than 50"
    selected_by_default = False
    all_queries = (Query(takes_dates=False, has_total=False, is_short=True, shrinks=True),)
    schema = schema(
        key("encoded_account_id", "Key of the account."),
        integer("subscriber_count", "Number of contacts of the account."),
        text("organization_name", "Name of the client's organization."),
        text("site_owner_name", "Name of the client's user."),
        text("billing_status", "Status of the client's payments, such as Trial."),
        instant("last_login_date", "When the client last signed in."),
    )

    @property
    @override
    def http_headers(self) -> dict[str, Any]:
        return {**super().http_headers, "x-api-key": self.config.get("client_id") or ""}
