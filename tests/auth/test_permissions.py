"""What a token allows is told stream by stream, by `--test` and by the sign-in's `--check`."""

from __future__ import annotations

import json
import re
from base64 import urlsafe_b64encode
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from tap_constantcontact.auth.permissions import scopes_of
from tap_constantcontact.sandbox.account import Account
from tap_constantcontact.sandbox.oauth import Authorization
from tap_constantcontact.sandbox.server import Sandbox
from tap_constantcontact.streams import FROM_CAMPAIGNS, STREAMS
from tap_constantcontact.streams.permissions import needs_of
from tap_constantcontact.tap import TapConstantContact
from tests.catalogs import select
from tests.parameters import Stream, named, partly_slow
from tests.processes import Login, run_tap
from tests.runs import Runner, config_for
from tests.sandboxes import record_requests

pytestmark = pytest.mark.contacts(20, young=True)

SELECTED = [stream.name for stream in STREAMS if stream.selected_by_default]
CONTACT_SCOPE = [
    stream.name
    for stream in STREAMS
    if stream.selected_by_default and stream.scope == "contact_data"
]
METRICS = "ui:campaign:metrics"
PATH = "/v3/account/user/privileges"


class Opaque(Authorization):
    """An authorization server whose tokens tell nothing, but whose responses name the scopes."""

    def issue(self, scope: str = "contact_data", account: str = "") -> str:
        token = super().issue(scope, account)
        told = token.rpartition(".")[2]
        self.access_tokens[told] = self.access_tokens.pop(token)
        self.scopes[told] = self.scopes.pop(token)
        return told


def token(claims: Any) -> str:
    """Return a JSON Web Token with these claims."""
    parts = (json.dumps(part).encode() for part in ({"alg": "RS256"}, claims))
    return ".".join([*(urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts), "sig"])


def verdicts(printed: str) -> dict[str, str]:
    """Return what the printed table tells of each stream."""
    rows = (re.split(r" {2,}", line) for line in printed.splitlines())
    return {row[0]: row[-1] for row in rows if len(row) > 1 and row[0] in SELECTED}


def errors(said: str) -> list[str]:
    assert "Traceback" not in said
    return [line for line in said.splitlines() if "ERROR" in line]


def sampled(stdout: str) -> set[str]:
    lines = map(json.loads, stdout.splitlines())
    return {line["stream"] for line in lines if line["type"] == "RECORD"}


def test_a_test_tells_every_selected_stream_at_one_request(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    seen = record_requests(sandbox)
    result = run_tap(tmp_path, "--test", config=config_for(sandbox, tmp_path))
    assert result.returncode == 0
    assert verdicts(result.stderr) == dict.fromkeys(SELECTED, "yes")
    assert [request.path for request in seen].count(PATH) == 1
    assert sampled(result.stdout) == {*SELECTED}


def test_a_test_fails_where_a_privilege_is_lacking_and_samples_the_rest(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    sandbox.api.privileges.remove(METRICS)
    result = run_tap(tmp_path, "--test", config=config_for(sandbox, tmp_path))
    said = verdicts(result.stderr)
    lacking = [name for name in SELECTED if said[name] != "yes"]
    assert {*lacking} == {
        need.stream for need in needs_of(STREAMS) if METRICS in need.privileges
    } & {*SELECTED}
    assert {said[name] for name in lacking} == {
        "no: the user lacks the privilege ui:campaign:metrics"
    }
    assert result.returncode == 1
    (error,) = errors(result.stderr)
    assert f"may not read {', '.join(lacking)}. Sign in" in error
    assert sampled(result.stdout) == {*SELECTED} - {*lacking}


def test_a_test_fails_where_all_streams_are_forbidden(sandbox: Sandbox, tmp_path: Path) -> None:
    sandbox.api.privileges.clear()
    catalog = TapConstantContact(config={"access_token": "none"}).catalog_dict
    select(catalog, ("contact_lists",))
    (tmp_path / "catalog.json").write_text(json.dumps(catalog, default=list))
    config = config_for(sandbox, tmp_path, skip_forbidden_streams=True)
    result = run_tap(tmp_path, "--test", "--catalog=catalog.json", config=config)
    assert result.returncode == 1
    (error,) = errors(result.stderr)
    assert "may not read contact_lists. Sign in" in error


def test_a_test_succeeds_where_forbidden_streams_are_skipped(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    access = sandbox.authorization.issue("contact_data")
    settings = {"access_token": access, "skip_forbidden_streams": True}
    result = run_tap(tmp_path, "--test", config=config_for(sandbox, tmp_path, **settings))
    assert result.returncode == 0
    assert not errors(result.stderr)
    said = verdicts(result.stderr)
    assert [name for name in SELECTED if said[name] == "yes"] == CONTACT_SCOPE
    assert said["account_summary"] == "no: the token lacks the scope account_read"
    assert sampled(result.stdout) == {*CONTACT_SCOPE}


def test_a_test_heeds_the_catalog(sandbox: Sandbox, tmp_path: Path) -> None:
    sandbox.api.privileges.remove("campaign:read")
    catalog = TapConstantContact(config={"access_token": "none"}).catalog_dict
    select(catalog, ("contact_tags",))
    (tmp_path / "catalog.json").write_text(json.dumps(catalog, default=list))
    config = config_for(sandbox, tmp_path)
    result = run_tap(tmp_path, "--test", "--catalog=catalog.json", config=config)
    assert result.returncode == 0
    assert verdicts(result.stderr) == {"contact_tags": "yes"}
    assert sampled(result.stdout) == {"contact_tags"}


Answer = Callable[[web.Request], web.Response]

UNTOLD: dict[str, Answer] = {
    "403": lambda _: web.json_response([], status=403),
    "503": lambda _: web.Response(status=503),
    "no JSON": lambda _: web.Response(text="<html>"),
    "an object": lambda _: web.json_response({"privileges": []}),
    "an array of texts": lambda _: web.json_response(["contacts:read"]),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", UNTOLD)
def test_a_stream_whose_permission_is_unknown_is_tried(
    account: Account, tmp_path: Path, name: str
) -> None:
    @web.middleware
    async def spoil(request: web.Request, handler: Any) -> Any:
        return UNTOLD[name](request) if request.path == PATH else await handler(request)

    with Sandbox(account, authorization=Opaque(), middlewares=[spoil]) as sandbox:
        config = config_for(sandbox, tmp_path)
        access = sandbox.authorization.issue("contact_data campaign_data account_read")
        result = run_tap(tmp_path, "--test", config=config | {"access_token": access})
    assert result.returncode == 0
    (said,) = {*verdicts(result.stderr).values()}
    assert said.startswith("not known: the token does not tell its scopes and the API did not tell")
    assert sampled(result.stdout) == {*SELECTED}


def test_the_scopes_may_stand_in_the_response_that_brings_the_token(
    account: Account, tmp_path: Path
) -> None:
    authorization = Opaque()
    authorization.grant("contact_data offline_access", "narrow")
    with Sandbox(account, authorization=authorization) as sandbox:
        config = config_for(sandbox, tmp_path, refresh_token="narrow")
        for _ in range(2):
            result = run_tap(tmp_path, "--test", config=config)
            said = verdicts(result.stderr)
            assert [name for name in SELECTED if said[name] == "yes"] == CONTACT_SCOPE


@pytest.mark.parametrize(
    ("claims", "known"),
    [
        ({"scp": ["a", "b"]}, frozenset("ab")),
        ({"scp": "a b"}, frozenset("ab")),
        ({"scp": []}, None),
        ({"scp": [5, None, "a"]}, frozenset("a")),
        ({"scp": 5}, None),
        ({"sub": "x"}, None),
        ([], None),
        (None, None),
        ("scp", None),
    ],
)
def test_the_scopes_of_a_token_are_those_that_it_claims(
    claims: Any, known: frozenset[str] | None
) -> None:
    assert scopes_of(token(claims), "") == known
    assert scopes_of(token(claims), "c") == (known or frozenset("c"))


@pytest.mark.parametrize("other", [None, "", "opaque", "a.b.c", "a.\ud800.c", "..", "a.e30.c"])
def test_a_token_that_claims_nothing_has_no_known_scopes(other: str | None) -> None:
    assert scopes_of(other, "") is None


def test_the_check_after_a_sign_in_tells_the_streams_selected_by_default(
    account: Account, tmp_path: Path
) -> None:
    authorization = Authorization(client_secret=None)
    authorization.grant("contact_data offline_access", "narrow")
    variables = {"TAP_CONSTANTCONTACT_REFRESH_TOKEN": "narrow"}
    with Sandbox(account, authorization=authorization) as sandbox:
        sandbox.api.privileges.remove("contacts:lists:read")
        tokens = str(tmp_path / "tokens.json")
        config = config_for(sandbox, tmp_path, refresh_token="narrow", token_file=tokens)
        del config["client_secret"]
        assert run_tap(tmp_path, "--test", config=config).returncode == 1
        seen = record_requests(sandbox)
        variables["TAP_CONSTANTCONTACT_TOKEN_FILE"] = tokens
        code, out, _ = Login(sandbox, tmp_path, "--check", **variables).end()
    assert code == 1
    assert "The token or its user may not read" in out
    said = verdicts(out)
    assert [*said] == SELECTED
    assert said["contacts"] == "yes"
    assert said["contact_lists"] == "no: the user lacks the privilege contacts:lists:read"
    assert said["email_campaigns"] == "no: the token lacks the scope campaign_data"
    assert [request.path for request in seen].count(PATH) == 1


def test_a_report_needs_the_rights_to_list_its_parents() -> None:
    needs = {need.stream: need for need in needs_of(STREAMS)}
    assert needs["contact_action_summary"].privileges == {"contacts:read", "ui:campaign:metrics"}
    assert needs["contact_action_summary"].scopes == {"contact_data"}
    for need in needs_of(FROM_CAMPAIGNS.values()):
        assert need.scopes == {"contact_data", "campaign_data"}
        assert need.privileges == {"contacts:read", "campaign:read", "ui:campaign:metrics"}


ONE_OF_EACH_NEED = [
    *{
        (need.scopes, need.privileges): stream
        for need, stream in zip(needs_of(STREAMS), STREAMS, strict=True)
    }.values()
]


@pytest.mark.parametrize(
    "stream",
    partly_slow(ONE_OF_EACH_NEED, [one for one in STREAMS if one not in ONE_OF_EACH_NEED]),
    ids=named,
)
def test_a_stream_needs_these_rights_and_no_others(
    run: Runner, sandbox: Sandbox, stream: Stream
) -> None:
    (need,) = needs_of([stream])
    sandbox.api.privileges[:] = need.privileges
    access = sandbox.authorization.issue(" ".join(need.scopes))
    result = run(streams=stream.name, access_token=access)
    assert result.exit_code == 0
    assert result.records[stream.name]
    for privilege in need.privileges:
        sandbox.api.privileges[:] = need.privileges - {privilege}
        assert run(streams=stream.name, access_token=access).exit_code == 1
