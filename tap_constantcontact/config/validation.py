"""Checks of the settings: their types, their texts, and what contradicts each other.

A message quotes no value that may be a secret: none of a secret, nor one of the wrong type.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pendulum
import requests
from singer_sdk.typing import DEFAULT_JSONSCHEMA_VALIDATOR

from tap_constantcontact.config import batches
from tap_constantcontact.config.dates import parse_day, parse_instant
from tap_constantcontact.config.selection import Mask, Schema
from tap_constantcontact.config.settings import DAYS, INSTANTS, SETTINGS
from tap_constantcontact.config.windows import ReportDateSettings
from tap_constantcontact.exceptions import nearest, refused

if TYPE_CHECKING:
    from jsonschema import ValidationError

INTEGERS = range(-(2**63), 2**63)
"""Integers that any target can be expected to store: 64 bits, signed."""

KINDS = {
    "string": "a text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "array": "a list",
    "object": "an object",
}
"""What a value must be, by the name of its JSON type."""

BOUNDS = {
    "minimum": "at least",
    "exclusiveMinimum": "more than",
    "maximum": "at most",
    "exclusiveMaximum": "less than",
}
"""How a number must compare with a bound, by the keyword of the JSON schema."""

ASCII = ("access_token", "client_id", "client_secret", "refresh_token", "user_agent")
"""Settings that are sent in the headers of a request."""

_ADDRESS = re.compile(r"https?://[!-~]+", re.IGNORECASE).fullmatch


def check(config: Mapping[str, Any]) -> None:
    """Refuse settings that have the right types, but contradict each other or are malformed.

    Raises:
        ConfigValidationError: With one sentence for each fault, naming the settings.
    """
    if found := [*faults(config)]:
        raise refused(*found)


def check_selection(
    config: Mapping[str, Any],
    parts: Mapping[str, str],
    selected: Mapping[str, tuple[Schema, Mask]],
) -> None:
    """Refuse settings with which what is selected cannot be read, or written.

    `parts` has the sub-resource of contacts that each selected stream of such needs.

    Raises:
        ConfigValidationError: With one sentence for each stream.
    """
    found = []
    for stream, part in parts.items():
        if config.get("segment_id"):
            found.append(
                f"{stream} cannot be read with segment_id, with which the API sends contacts "
                "without their sub-resources: deselect the stream, or leave segment_id out"
            )
        elif part not in config["contact_includes"]:
            found.append(
                f"{stream} needs `{part}` in contact_includes: add it there, or deselect the stream"
            )
    if config.get("batch_config"):
        found += batches.deselection_faults(selected)
    if found:
        raise refused(*found)


def warnings(config: Mapping[str, Any]) -> Iterator[str]:
    """Yield a sentence for each setting that is allowed, but not safe."""
    for name in ("api_url",) if config.get("access_token") else ("api_url", "auth_url"):
        parts = urlsplit(config[name])
        if parts.scheme == "http" and not _is_this_machine(parts.hostname or ""):
            yield (
                f"{name} begins with http://, so that tokens are sent to {parts.hostname} without "
                "encryption, for anyone on the way to read: use https://"
            )


def is_id(text: str) -> bool:
    """Return whether a text can be the id in a path; one of dots would lead to another path."""
    return bool(text.strip(" ."))


def faults(config: Mapping[str, Any]) -> Iterator[str]:
    """Yield a sentence for each contradiction and each malformed value."""
    if not _given(config, "client_id", "access_token") and not config.get("sandbox"):
        yield (
            "client_id is missing: set it and sign in with tap-constantcontact-login, or set "
            "access_token, or set sandbox to true to try the tap"
        )
    yield from text_faults(config)
    for name in ("contact_ids", "landing_page_activity_ids"):
        if malformed := [each for each in config.get(name) or () if not is_id(each)]:
            yield f"{name} contains {malformed[0]!r}, which is not a valid id"
    beside = _given(config, "contact_list_ids", "contact_tag_ids")
    if beside and _given(config, "segment_id"):
        yield (
            f"segment_id cannot be combined with {' or '.join(beside)}: "
            "the API accepts no other filter with a segment"
        )
    if "all" in (config.get("contact_status") or ()) and len(config["contact_status"]) > 1:
        yield "contact_status lists `all` with other statuses: give either `all` or the others"
    if config.get("tracking_activity_types") == []:
        yield "tracking_activity_types is empty: name at least one type, or leave it out for all"
    if config.get("custom_fields_by_name") and "custom_fields" not in config["contact_includes"]:
        yield (
            "custom_fields_by_name needs `custom_fields` in contact_includes: add it there, or "
            "leave custom_fields_by_name out"
        )
    if config["daily_request_limit"] * (config.get("daily_share") or 1) < 1:
        yield "daily_share leaves no request of daily_request_limit: give the account more"
    yield from batches.batch_faults(config)

    malformed = [*_malformed(config)]
    yield from malformed
    if not malformed:
        yield from _window_faults(config)


def type_faults(config: Mapping[str, Any]) -> Iterator[str]:
    """Yield a sentence for each value of a known setting that the JSON schema refuses."""
    for error in DEFAULT_JSONSCHEMA_VALIDATOR(SETTINGS).iter_errors(dict(config)):
        yield _type_fault(error)
    for name, value in config.items():
        is_number = isinstance(value, (int, float))
        if is_number and not INTEGERS.start <= value < INTEGERS.stop:
            yield f"{name} is too large a number"


def _type_fault(error: ValidationError) -> str:
    while error.context:  # of several forms, the one in which the fault lies deepest
        error = max(error.context, key=lambda one: len(one.absolute_path))
    setting, *within = map(str, error.absolute_path)
    name = ".".join([setting, *(part[:100] for part in within)]).encode("unicode_escape").decode()
    allowed: Any = error.validator_value
    if error.validator == "type":
        kinds = [allowed] if isinstance(allowed, str) else allowed
        return f"{name} must be {' or '.join(KINDS[kind] for kind in kinds if kind in KINDS)}"
    if error.validator in BOUNDS:
        return f"{name} must be {BOUNDS[error.validator]} {allowed}"
    if error.validator == "enum":
        choices = [choice for choice in allowed if choice is not None]
        given = ""
        if isinstance(error.instance, str) and not SETTINGS["properties"][setting].get("secret"):
            given = f" {error.instance[:100]!r}{nearest(error.instance, choices)}"
        return f"{name}{given} must be one of {', '.join(choices)}"
    return f"{name} has a value that is not allowed"


def text_faults(config: Mapping[str, Any]) -> Iterator[str]:
    """Yield a sentence for each text, of the right type, that cannot stand where it is used."""
    for name, value in config.items():
        texts = value if isinstance(value, list) else [value]
        texts = [text for text in texts if isinstance(text, str)]
        if not all(map(str.isprintable, texts)):
            yield f"{name} contains a character that is not allowed, such as a newline"
        elif name in ASCII and not all(map(str.isascii, texts)):
            yield f"{name} contains a character that is not ASCII, which a request cannot send"
    for name in ("api_url", "auth_url"):
        if not is_address(config[name]):
            yield (
                f"{name} {_without_secrets(config[name])!r} is not an address that begins with "
                "https:// or http://, without a user, a query or a fragment"
            )


def is_address(url: str) -> bool:
    """Return whether a text is the address of a server, without a user, a query or a fragment."""
    if not _ADDRESS(url) or set(url) & {*"@?#\\"}:
        return False
    request = requests.PreparedRequest()
    try:
        request.prepare_url(url, None)
        parts = urlsplit(str(request.url))
        return bool((parts.hostname or "").encode("idna")) and parts.port != 0
    except ValueError:
        return False


def _without_secrets(url: str) -> str:
    """Return an address without what may be secret: the user, the query, the fragment."""
    return re.split(r"[?#]", url.rpartition("@")[2])[0]


def _is_this_machine(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def _malformed(config: Mapping[str, Any]) -> Iterator[str]:
    zone = config.get("timezone") or "UTC"
    try:
        pendulum.timezone(zone)
    except (ValueError, OSError):
        yield f"timezone {zone!r} is not an IANA time zone, such as America/New_York"
        zone = "UTC"
    for name in (*INSTANTS, *DAYS):
        is_day = name in DAYS
        if value := config.get(name):
            try:
                parse_day(value) if is_day else parse_instant(value, zone)
            except ValueError:
                instant = "date or date-time of the calendar in ISO 8601, such as 2026-01-31"
                yield f"{name} {value!r} is not a {'day written YYYY-MM-DD' if is_day else instant}"


def _window_faults(config: Mapping[str, Any]) -> Iterator[str]:
    tomorrow = pendulum.now("UTC").add(days=1)  # somebody's clock or zone may be ahead
    for name in INSTANTS:
        if (value := config.get(name)) and parse_instant(value, config["timezone"]) > tomorrow:
            yield f"{name} {value!r} is in the future, so that nothing would be read"
    for names in (
        ("updated_after", "updated_days_back"),
        ("report_start_date", "report_start_days_back"),
        ("report_end_date", "report_end_days_back"),
    ):
        if len(given := _given(config, *names)) > 1:
            yield f"{' and '.join(given)} contradict each other: give only one"

    single = _given(config, "report_date", "report_days_back")
    start = _given(config, "report_start_date", "report_start_days_back")
    end = _given(config, "report_end_date", "report_end_days_back")
    if len(single) > 1 or (single and (start or end)):
        yield f"{' and '.join([*single, *start, *end])} contradict each other: give one window"
    elif end and not start:
        yield f"{end[0]} has no start: give report_start_date or report_start_days_back as well"
    elif len(start) == 1 and len(end) <= 1:
        window = ReportDateSettings.of(config).window(pendulum.now("UTC"))
        if window and window.start > window.end:
            yield f"{start[0]} is after {end[0] if end else 'today'}: the window would be empty"


def _given(config: Mapping[str, Any], *names: str) -> list[str]:
    """Return the names of those settings that are set: 0 counts as set, an empty list does not."""
    return [name for name in names if config.get(name) not in (None, "", [])]
