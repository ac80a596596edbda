"""The recording of what an account answers to a short run of all streams that can be read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import requests
from requests.adapters import BaseAdapter
from singer_sdk.singerlib import StateMessage
from typing_extensions import override

from tap_constantcontact.auth.permissions import ask_privileges, forbidden_streams, permissions
from tap_constantcontact.client import ConstantContactStream
from tap_constantcontact.commands.record.replacement import Replacement
from tap_constantcontact.exceptions import FatalAPIError, RunEndedError
from tap_constantcontact.output.singer import WholeLineWriter
from tap_constantcontact.reading.report import Report
from tap_constantcontact.streams.permissions import needs_of
from tap_constantcontact.tap import TapConstantContact
from tap_constantcontact.transport.responses import json_of

RECORDING_BUDGET = 60
"""Maximum number of requests of a recording."""

ROWS = 5
"""Number of rows of each stream after which its reading ends."""

LASTING = (200, 209, 403, 404)
"""Statuses of answers that another request of the same would get again."""

UNLIKE_A_RUN = {
    "batch_config": None,
    "custom_fields_by_name": False,
    "max_concurrent_requests": 1,
    "on_daily_limit": "stop",
    "skip_forbidden_streams": True,
    "streams": ["*"],
}
"""Settings of a recording, whatever those of runs are."""


class Recording(NamedTuple):
    """What was recorded.

    Attributes:
        answers: The answers, with all values replaced.
        rows: Number of rows that were read of each stream.
        failures: Why a stream could not be read; this may quote the account, and is not recorded.
        unknown_names: Names of fields that this version does not know, and that stay.
        requests: Number of requests that were sent.
    """

    answers: list[dict[str, Any]]
    rows: dict[str, int]
    failures: dict[str, str]
    unknown_names: list[str]
    requests: int


class Recorder(BaseAdapter):
    """Sends a request as another adapter does, and keeps its response.

    Streams that ask for the same, such as for the list of their parents, share a request.
    """

    def __init__(self, adapter: BaseAdapter) -> None:
        super().__init__()
        self._adapter = adapter
        self._lasting: dict[str | None, requests.Response] = {}
        self._passing: list[requests.Response] = []

    @property
    def responses(self) -> list[requests.Response]:
        """The responses, of which those that a replay should find come first."""
        return [*self._lasting.values(), *self._passing]

    @override
    def send(
        self, request: requests.PreparedRequest, *args: Any, **kwargs: Any
    ) -> requests.Response:
        """Return the response to a request, from memory if it was sent before."""
        if known := self._lasting.get(request.url):
            known.headers.pop("Date", None)  # it tells nothing of the clocks any more
            return known
        response = self._adapter.send(request, *args, **kwargs)
        if response.status_code in LASTING:
            self._lasting[request.url] = response
        else:
            self._passing.append(response)
        return response

    @override
    def close(self) -> None:
        self._adapter.close()


def recording(config: Mapping[str, Any]) -> Recording:
    """Read a few rows of each stream that can be read, and return the answers.

    Raises:
        FatalAPIError: No stream could be read, or the tokens could not be stored.
    """
    budget = min(RECORDING_BUDGET, config.get("request_budget") or RECORDING_BUDGET)
    given = {**config, **UNLIKE_A_RUN, "request_budget": budget}
    tap = TapConstantContact(
        config={name: value for name, value in given.items() if value is not None},
        setup_mapper=False,
        limit=ROWS,
        message_writer=WholeLineWriter(without=(StateMessage,)),
    )
    connection = tap.run.connection
    recorder = Recorder(connection.session.get_adapter(connection.api_url))
    for scheme in ("http://", "https://"):
        connection.session.mount(scheme, recorder)
    try:
        rows, failures = _read(tap, budget)
    finally:
        lost = connection.authenticator.finish()
        connection.session.close()
    if lost:
        raise FatalAPIError(lost)
    if not any(rows.values()):
        raise FatalAPIError(
            "No stream could be read, so nothing is recorded: first correct what the doctor names."
        )
    answers = [_answer(response, connection.api_url) for response in recorder.responses]
    replacement = Replacement(answers)
    replaced = [replacement.of(answer) for answer in answers]
    return Recording(replaced, rows, failures, sorted(replacement.unknown_names), connection.sent)


def _read(tap: TapConstantContact, budget: int) -> tuple[dict[str, int], dict[str, str]]:
    """Read the streams, of which each may send its share of the requests that are left.

    Lists come first, then the reports that most runs read, then the others.
    """
    rows, failures = {}, {}
    streams = _readable(tap)
    for number, stream in enumerate(streams):
        left = budget - tap.run.connection.sent
        least = 4 if stream.selected_by_default else 2
        share = max(least, left // (len(streams) - number))
        if left <= 0:
            failures[stream.name] = f"the {budget} requests of a recording were used up"
            continue
        try:
            with tap.run.connection.quota.at_most(min(left, share)):
                rows[stream.name] = sum(1 for _ in stream.get_records(None))
        except RunEndedError as ended:
            failures[stream.name] = ended.reason
    return rows, failures


def _readable(tap: TapConstantContact) -> list[ConstantContactStream]:
    """Return the streams that the token may read, as far as that is known."""
    connection = tap.run.connection
    streams = [*tap.streams.values()]
    privileges = ask_privileges(
        connection.session, connection.api_url, tap.config["request_timeout"]
    )
    if privileges is None:
        return []
    found = permissions(needs_of(streams), connection.authenticator.scopes, privileges)
    forbidden = forbidden_streams(found)
    lists = [stream for stream in streams if not isinstance(stream, Report)]
    reports = [stream for stream in reversed(streams) if isinstance(stream, Report)]
    reports.sort(key=lambda stream: not stream.selected_by_default)
    return [stream for stream in (*lists, *reports) if stream.name not in forbidden]


def _answer(response: requests.Response, api_url: str) -> dict[str, Any]:
    """Return a response in the form of a recorded answer, with the values that it came with."""
    target = str(response.request.url).removeprefix(api_url)
    path, _, query = target.partition("?")
    body = json_of(response)
    return {
        "path": f"/v3{path}",
        "query": query,
        "status": response.status_code,
        "headers": dict(response.headers),
        "body": response.text if body is None else body,
    }
