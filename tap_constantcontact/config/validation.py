"""Checks of the settings: their types, their texts, and what contradicts each other.

A message quotes no value that may be a secret: none of a secret, nor one of the wrong type.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

import pendulum
import requests

from tap_constantcontact.config.dates import parse_day, parse_instant
from tap_constantcontact.config.selection import Mask, path
from tap_constantcontact.config.windows import ReportDateSettings
from tap_constantcontact.exceptions import nearest, refused

BATCHES = {
    "batch_config": ("encoding", "storage", "batch_size"),
    "batch_config.encoding": ("format", "compression"),
    "batch_config.storage": ("root", "prefix", "params"),
}
"""The names within the setting for batches. (Source: `singer_sdk.helpers._batch`.)"""

CHANGING_RECORDS = ("stream_maps", "stream_map_config", "faker_config", "flattening_enabled")
"""Settings with which the SDK changes records, but not those in batches (singer-sdk issue 1117)."""

ASCII = ("access_token", "client_id", "client_secret", "refresh_token", "user_agent")
"""Settings that are sent in the headers of a request."""

_ADDRESS = re.compile(r"https?://[!-~]+", re.IGNORECASE).fullmatch


def check(config: Mapping[str, Any]) -> None:
    """Refuse settings that contradict each other or have a malformed value.

    Args:
        config: Settings that the JSON schema has accepted.

    Raises:
        ConfigValidationError: With one sentence for each fault, naming the settings.
    """
    if faults := [*_faults(config)]:
        raise refused(*faults)


def check_parts(parts: Mapping[str, str], config: Mapping[str, Any]) -> None:
    """Refuse settings with which the API does not send the parts of contacts that streams need.

    Args:
        parts: Sub-resources of contacts, by the name of the stream that needs them.
        config: The settings.

    Raises:
        ConfigValidationError: With one sentence for each stream.
    """
    if faults := [*_part_faults(parts, config)]:
        raise refused(*faults)


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


def check_batches(masks: Mapping[str, Mask], config: Mapping[str, Any]) -> None:
    """Refuse batches that would have deselected properties.

    Args:
        masks: Whether a property is selected, by its breadcrumb, of each selected stream.
        config: The settings.

    Raises:
        ConfigValidationError: With one sentence for each stream.
    """
    deselected = {
        stream: [path(crumb) for crumb, is_selected in mask.items() if not is_selected]
        for stream, mask in masks.items()
    }
    faults = [
        f"batch_config would write what is deselected of {stream} ({', '.join(names)}) to its "
        "files: select it, or leave batch_config out"
        for stream, names in deselected.items()
        if names
    ]
    if config.get("batch_config") and faults:
        raise refused(*faults)


def _part_faults(parts: Mapping[str, str], config: Mapping[str, Any]) -> Iterator[str]:
    for stream, part in parts.items():
        if config.get("segment_id"):
            yield (
                f"{stream} cannot be read with segment_id, with which the API sends contacts "
                "without their sub-resources: deselect the stream, or leave segment_id out"
            )
        elif part not in config["contact_includes"]:
            yield (
                f"{stream} needs `{part}` in contact_includes: add it there, or deselect the stream"
            )


def _faults(config: Mapping[str, Any]) -> Iterator[str]:
    yield from _credential_faults(config)
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
    if batches := config.get("batch_config"):
        yield from _batch_faults(batches, config)

    malformed = [*_malformed(config)]
    yield from malformed
    if not malformed:
        yield from _window_faults(config)


def _credential_faults(config: Mapping[str, Any]) -> Iterator[str]:
    if config.get("sandbox") or config.get("access_token"):
        return
    if not config.get("client_id"):
        yield (
            "client_id is missing: set it and sign in with tap-constantcontact-login, or set "
            "access_token, or set sandbox to true to try the tap"
        )


def text_faults(config: Mapping[str, Any]) -> Iterator[str]:
    """Yield a sentence for each text that cannot stand where it is to be used.

    Args:
        config: Settings that have the right types.
    """
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


def _batch_faults(batches: Mapping[str, Any], config: Mapping[str, Any]) -> Iterator[str]:
    if beside := [name for name in CHANGING_RECORDS if config.get(name)]:
        yield (
            f"batch_config cannot be combined with {', '.join(beside)}, which batches pass over: "
            "leave batch_config or the others out"
        )
    encoding, storage = (batches.get(name) or {} for name in ("encoding", "storage"))
    parts = zip(BATCHES.items(), (batches, encoding, storage), strict=True)
    for (name, known), part in parts:
        for unknown in part.keys() - {*known}:
            yield f"{name} has no {unknown!r}{nearest(unknown, known)}"
    if encoding.get("format") != "jsonl":
        yield "batch_config.encoding needs the format jsonl: the tap writes no other files"
    if encoding.get("compression") == "none":
        yield "batch_config.encoding needs the compression gzip, as the files always have it"
    if not storage.get("root"):
        yield "batch_config.storage needs a root, such as file:///srv/constantcontact"
    if not isinstance(storage.get("params", {}), dict):
        yield "batch_config.storage.params must be an object"
    size = batches.get("batch_size")
    if size is not None and (type(size) is not int or size < 1):
        yield "batch_config.batch_size must be a whole number of at least 1"


def _malformed(config: Mapping[str, Any]) -> Iterator[str]:
    zone = config.get("timezone") or "UTC"
    try:
        pendulum.timezone(zone)
    except (ValueError, OSError):
        yield f"timezone {zone!r} is not an IANA time zone, such as America/New_York"
        zone = "UTC"

    def instant(value: str) -> object:
        return parse_instant(value, zone)

    readers: dict[str, Callable[[str], object]] = {
        "start_date": instant,
        "updated_after": instant,
        "report_date": parse_day,
        "report_start_date": parse_day,
        "report_end_date": parse_day,
    }
    for name, read in readers.items():
        value = config.get(name)
        try:
            if value:
                read(value)
        except ValueError:
            kind = "a day written YYYY-MM-DD"
            if read is instant:
                kind = "a date or date-time of the calendar in ISO 8601, such as 2026-01-31"
            yield f"{name} {value!r} is not {kind}"


def _window_faults(config: Mapping[str, Any]) -> Iterator[str]:
    tomorrow = pendulum.now("UTC").add(days=1)  # somebody's clock or zone may be ahead
    for name in ("start_date", "updated_after"):
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
