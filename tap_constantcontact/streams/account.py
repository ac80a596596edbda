"""The account: https://v3.developer.constantcontact.com/api_reference/#tag-Account-Services."""

from __future__ import annotations

from typing import ClassVar

from tap_constantcontact.reading.single_response import SingleResponse
from tap_constantcontact.streams.fields import (
    instant,
    key,
    number_key,
    schema,
    structure,
    text,
    texts,
)


class AccountSummaryStream(SingleResponse):
    """The account and its owner.

    The API leaves out fields without a value. (Contract.)
    """

    name = "account_summary"
    path = "/account/summary"
    scope = "account_read"
    privilege = "account:read"
    primary_keys = ("encoded_account_id",)
    parameters: ClassVar = {"extra_fields": "physical_address,company_logo"}
    schema = schema(
        key("encoded_account_id", "Key of the account."),
        text("encoded_partner_id", "Key of the partner who set the account up."),
        text("organization_name", "Name of the organization."),
        text("organization_phone", "Phone number of the organization."),
        text("contact_email", "E-mail addresses of the owner."),
        text("contact_phone", "Phone number of the owner."),
        text("first_name", "First name of the owner."),
        text("last_name", "Last name of the owner."),
        text("country_code", "Country, in two letters."),
        text("state_code", "State or province, in two letters."),
        text("time_zone_id", "IANA time zone of the account."),
        text("website", "Address of the organization's website."),
        structure(
            "physical_address",
            "Street address of the organization.",
            text("address_line1", "First line of the address."),
            text("address_line2", "Second line of the address."),
            text("address_line3", "Third line of the address."),
            text("city", "City."),
            text("state_code", "State or province, in two letters."),
            text("state_name", "State or province outside the United States and Canada."),
            text("postal_code", "Postal code."),
            text("country_code", "Country, in two letters."),
        ),
        structure(
            "company_logo",
            "Logo of the organization.",
            text("url", "Address of the image within the account."),
            text("external_url", "Address of the image on another website."),
            text("internal_id", "Key of the image within the account."),
        ),
    )


class AccountEmailsStream(SingleResponse):
    """The account's own e-mail addresses.

    Left out is the IP address from which an address was confirmed, `confirm_source`: it is personal
    data that tells nothing about the address. (Recorded from the live service; the contract does
    not name it.)
    """

    name = "account_emails"
    path = "/account/emails"
    is_array = True
    scope = "account_read"
    privilege = "account:read"
    primary_keys = ("email_id",)
    left_out = ("confirm_source",)
    schema = schema(
        number_key("email_id", "Key of the address."),
        text("email_address", "The address itself."),
        text("confirm_status", "Whether the address is confirmed."),
        instant("confirm_time", "When the address was confirmed."),
        text("confirm_source_type", "Who confirmed the address, such as SITE_OWNER."),
        texts("roles", "What the address is used for."),
        texts("pending_roles", "What the address will be used for once it is confirmed."),
    )
