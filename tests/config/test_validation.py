"""Settings that contradict each other or name what does not exist end with one plain line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tap_constantcontact.commands.login import USED
from tap_constantcontact.config import validation
from tap_constantcontact.exceptions import ConfigValidationError
from tap_constantcontact.sandbox.server import Sandbox
from tap_constantcontact.tap import TapConstantContact
from tests.catalogs import select
from tests.parameters import partly_slow
from tests.processes import LOGIN, TAP, Command, run_tap
from tests.runs import Runner, config_for

DOCTOR = "tap_constantcontact.commands.doctor"

BAD: dict[str, tuple[dict[str, Any], str]] = {
    "no credentials": ({}, "client_id is missing"),
    "no token": ({"client_id": "x"}, "refresh_token is missing"),
    "unknown status": ({"contact_status": ["aktive"]}, "aktive"),
    "unknown type": ({"tracking_activity_types": ["em_reads"]}, "em_reads"),
    "unknown zone": ({"timezone": "Mars/Base"}, "timezone 'Mars/Base'"),
    "no date": ({"report_date": "2026-02-30"}, "report_date '2026-02-30'"),
    "negative": ({"report_days_back": -1}, "report_days_back"),
    "two starts": (
        {"report_start_date": "2026-01-01", "report_start_days_back": 3},
        "report_start_date and report_start_days_back",
    ),
    "two ends": (
        {"report_start_days_back": 9, "report_end_date": "2026-01-01", "report_end_days_back": 3},
        "report_end_date and report_end_days_back",
    ),
    "two windows": ({"report_date": "2026-01-01", "report_days_back": 3}, "report_days_back"),
    "start after end": (
        {"report_start_days_back": 3, "report_end_days_back": 5},
        "report_start_days_back is after report_end_days_back",
    ),
    "end without start": ({"report_end_days_back": 5}, "has no start"),
    "two updates": (
        {"updated_after": "2026-01-01", "updated_days_back": 3},
        "updated_after and updated_days_back",
    ),
    "endless": ({"request_timeout": 1e300}, "request_timeout"),
    "two lines": ({"access_token": "secret\nsecret"}, "access_token contains a character"),
    "a missing host": ({"api_url": "v3"}, "api_url 'v3' is not an address"),
    "a wrong port": (
        {"auth_url": "https://authz.test:99999"},
        "auth_url 'https://authz.test:99999'",
    ),
    "a malformed host": ({"api_url": "http://[::1"}, "api_url 'http://[::1' is not an address"),
    "a host with a space": ({"api_url": "https://a b/v3"}, "api_url 'https://a b/v3' is not"),
    "a start to come": ({"start_date": "2999-01-01"}, "start_date '2999-01-01' is in the future"),
    "changes to come": ({"updated_after": "2999-01-01"}, "is in the future"),
    "a query": ({"api_url": "https://cc.test/v3?x=1"}, "without a user, a query or a fragment"),
    "no latin letter": ({"user_agent": "t\u0105p"}, "user_agent contains a character"),
    "dots for a contact": ({"contact_ids": ["a", ".."]}, "contact_ids contains '..'"),
    "nothing for a page": ({"landing_page_activity_ids": [""]}, "landing_page_activity_ids"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_settings_end_with_one_line(tmp_path: Path, name: str) -> None:
    settings, said = BAD[name]
    known = {} if name.startswith("no ") and name != "no date" else {"access_token": "t"}
    result = run_tap(tmp_path, config={**known, **settings})
    errors = [line for line in result.stderr.splitlines() if "ERROR" in line]
    assert result.returncode == 1
    assert result.stdout == ""
    assert len(errors) == 1
    assert said in errors[0]
    assert "Traceback" not in result.stderr


SECRET = "s3cr3t-v4lue"

MISPLACED: dict[str, dict[str, Any]] = {
    "a list": {"client_secret": [SECRET]},
    "an object": {"access_token": {"token": SECRET}},
    "deep in an object": {"refresh_token": {"tokens": [{"token": SECRET}]}},
    "another name": {"client_secrets": SECRET},
    "deep under another name": {"oauth": {"client_secret": [SECRET]}},
    "a list of choices": {"contact_status": [{"client_secret": SECRET}]},
    "a list of texts": {"contact_ids": [{"client_secret": SECRET}]},
    "a number": {"lookback_days": SECRET},
    "a map": {"stream_maps": {"contacts": {"__else__": {"client_secret": SECRET}}}},
    "another map": {"stream_maps": {"contacts": [SECRET]}},
    "a format": {"batch_config": {"encoding": {"format": {"client_secret": SECRET}}}},
    "a character": {"access_token": f"{SECRET}\0"},
    "a letter": {"client_secret": f"{SECRET}é"},
    "an address": {"api_url": f"https://user:{SECRET}@host/v3"},
    "no address": {"auth_url": f"https//user:{SECRET}@host"},
    "a query": {"api_url": f"https://host/v3?token={SECRET}"},
    "an unknown store": {"limits_store": f"mysql://user:{SECRET}@host"},
    "the scheme of a store": {"limits_store": f"{SECRET}://host"},
    "a store without a slash": {"limits_store": f"redis:/user:{SECRET}@host"},
    "a store without a colon": {"limits_store": f"redis//user:{SECRET}@host"},
    "a store with two hosts": {"limits_store": f"redis://user:a@{SECRET}@host"},
    "the port of a store": {"limits_store": f"redis://user:{SECRET}/x@host"},
    "the port of a database": {"limits_store": f"postgresql://host:{SECRET}/x"},
    "brackets": {"limits_store": f"redis://[{SECRET}"},
}


@pytest.mark.parametrize("name", partly_slow([*MISPLACED][:6], [*MISPLACED][6:]))
def test_no_message_quotes_a_secret_in_the_wrong_place(tmp_path: Path, name: str) -> None:
    (setting,) = MISPLACED[name]
    config = {"access_token": "t", **MISPLACED[name]}
    (tmp_path / "config.json").write_text(json.dumps(config))
    for module in (TAP, DOCTOR, LOGIN)[: 3 if setting in USED else 2]:
        ended = Command(module, "--config=config.json", folder=tmp_path).run()
        said = ended.stdout + ended.stderr
        assert ended.returncode == 1, said
        assert SECRET not in said
        assert "Traceback" not in said
        assert setting in said


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"contact_status": ["aktive"]}, "'aktive' (did you mean active?) must be one of all,"),
        ({"lookback_days": 2**63}, "lookback_days is too large a number"),
        ({"max_concurrent_requests": 10**400}, "max_concurrent_requests is too large a number"),
        ({"requests_per_second": 1e300}, "requests_per_second is too large a number"),
        ({"flattening_max_depth": -(2**64)}, "flattening_max_depth is too large a number"),
        ({"updated_days_back": -1}, "updated_days_back must be at least 0"),
        ({"daily_share": 1.5}, "daily_share must be at most 1"),
        ({"sandbox": [True]}, "sandbox must be true or false"),
        ({"contact_ids": [7]}, "contact_ids.0 must be a text"),
        ({"user_agent": "café/1"}, "user_agent contains a character that is not ASCII"),
        ({"client_id": "a\0b"}, "client_id contains a character that is not allowed"),
        ({"token_file": "a\0b"}, "token_file contains a character that is not allowed"),
        ({"contact_ids": ["a\ud800"]}, "contact_ids contains a character that is not allowed"),
        ({"api_url": "https://é.test/v3"}, "api_url 'https://é.test/v3' is not an address"),
        ({"api_url": f"https://{'a' * 64}.test"}, "is not an address"),
        ({"start_date": "now"}, "start_date 'now' is not a date"),
        ({"start_date": "0001-01-01", "timezone": "Asia/Tokyo"}, "start_date '0001-01-01' is not"),
        ({"updated_after": "9999-12-31T23:59:59-12:00"}, "is not a date or date-time"),
        ({"report_date": "today"}, "report_date 'today' is not a day"),
        ({"timezone": "../../etc/passwd"}, "is not an IANA time zone"),
    ],
)
def test_each_fault_of_a_value_is_one_sentence(settings: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigValidationError) as refusal:
        TapConstantContact(config={"access_token": "t", **settings})
    (fault,) = refusal.value.errors
    assert said in fault


@pytest.mark.slow
def test_a_fraction_in_the_settings_file_is_a_number(tmp_path: Path, sandbox: Sandbox) -> None:
    contact_id = next(iter(sandbox.account.contacts))
    fractions = {"requests_per_second": 99.5, "request_timeout": 7.5}
    config = config_for(sandbox, tmp_path, contact_ids=[contact_id], **fractions)
    result = run_tap(tmp_path, config=config)
    assert result.returncode == 0, result.stderr
    assert "Traceback" not in result.stderr


EXTREMES: tuple[dict[str, Any], ...] = (
    {"start_date": "0001-01-01", "lookback_days": 10**9, "updated_after": "0001-01-01"},
    {"updated_days_back": 10**9, "report_days_back": 10**12},
    {"report_start_date": "0001-01-01", "report_end_date": "9999-12-31"},
    {"report_date": "9999-12-31", "contacts_refresh_days": 10**9, "timezone": "Asia/Tokyo"},
)


@pytest.mark.slow
@pytest.mark.parametrize("settings", partly_slow([*EXTREMES][:1], [*EXTREMES][1:]))
def test_dates_beyond_all_calendars_read_what_there_is(
    run: Runner, settings: dict[str, Any]
) -> None:
    state = {
        "bookmarks": {
            name: dict.fromkeys(("replication_key_value", "full_read_at"), "0001-01-01T00:00:00Z")
            for name in ("contacts", "email_campaigns", "contact_activity_details")
        }
    }
    for known in ({}, state):
        result = run(known, streams=("contacts", "contact_activity_details"), **settings)
        assert result.exit_code == 0
        if "report_date" not in settings:
            assert result.by_key("contact_activity_details")


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"contact_includes": ["notes"]}, "contact_taggings needs `taggings` in contact_includes"),
        ({"segment_id": "1"}, "contact_taggings cannot be read with segment_id"),
    ],
    ids=["not included", "segment"],
)
def test_parts_of_contacts_that_the_api_would_not_send_are_refused(
    settings: dict[str, Any], said: str
) -> None:
    config = {"access_token": "t", **settings}
    catalog = TapConstantContact(config=config).catalog_dict
    select(catalog, {"contact_taggings"})
    with pytest.raises(ConfigValidationError) as caught:
        TapConstantContact(config=config, catalog=catalog)
    assert said in caught.value.errors[0]


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.8.9.10:80", "[::1]:8080"])
def test_tokens_may_be_sent_in_the_open_to_this_machine(host: str) -> None:
    address = f"http://{host}/v3"
    assert not [*validation.warnings({"api_url": address, "auth_url": address})]


@pytest.mark.parametrize("host", ["cc.test", "localhost.cc.test", "128.0.0.1", "[::2]", "127.test"])
def test_a_run_warns_once_that_tokens_are_sent_in_the_open(
    host: str, caplog: pytest.LogCaptureFixture
) -> None:
    TapConstantContact(config={"access_token": "t", "api_url": f"http://{host}/v3"})
    warnings = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    (said,) = [warning for warning in warnings if "without encryption" in warning]
    assert said.startswith("api_url begins with http://")


def test_an_address_that_gets_no_token_is_not_warned_of() -> None:
    config = {"api_url": "https://a.test", "auth_url": "http://b.test"}
    assert [warning.split()[0] for warning in validation.warnings(config)] == ["auth_url"]
    assert not [*validation.warnings({**config, "access_token": "t"})]
