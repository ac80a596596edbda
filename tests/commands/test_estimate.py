"""What a run would cost, told before anything is spent."""

from __future__ import annotations

import json
import math
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest

from tap_constantcontact.commands import estimate
from tap_constantcontact.sandbox.account import Account, parse
from tap_constantcontact.sandbox.server import Sandbox
from tap_constantcontact.streams import STREAMS
from tests.faults import answering, on_every
from tests.parameters import CONTACT_REPORTS
from tests.processes import TAP, Command
from tests.runs import Runner, config_for, tap_with

STREAMS_READ = ("contact_lists", "contacts", *CONTACT_REPORTS)


def test_an_estimate_for_a_program_is_json_and_nothing_else(
    account: Account, tmp_path: Path
) -> None:
    with Sandbox(account) as sandbox:
        config = config_for(sandbox, tmp_path)
        (tmp_path / "config.json").write_text(json.dumps(config))
        result = Command(TAP, "--config=config.json", "--estimate=json", folder=tmp_path).run()
        assert result.returncode == 0, result.stderr
        named = [stream["stream"] for stream in json.loads(result.stdout)["streams"]]
        assert named == [stream.name for stream in STREAMS if stream.selected_by_default]


def estimated(config: dict[str, Any], state: Any = None) -> dict[str, Any]:
    """Estimate a run in this process."""
    tap = tap_with(config, state, STREAMS_READ)
    return estimate.estimated(tap)


@pytest.mark.slow
def test_an_estimate_is_what_a_run_costs(
    run: Runner, sandbox: Sandbox, account: Account, tmp_path: Path, requests_seen: list[Any]
) -> None:
    for key, rows in account.events.items():
        account.events[key] = rows[:90]
    config = config_for(sandbox, tmp_path, requests_per_second=4, daily_request_limit=50)

    fresh = estimated(config)
    assert len(requests_seen) == fresh["spent"] == 50 - fresh["left_today"] == 6
    requests_seen.clear()
    store = str(tmp_path / "of-the-runs")
    first = run(streams=STREAMS_READ, limits_store=store, budget=30)
    second = run(streams=STREAMS_READ, limits_store=store, state=first.state)
    assert len(requests_seen) - 30 < fresh["total"]["requests"]
    requests_seen.clear()
    run(streams=STREAMS_READ, limits_store=store)
    assert len(requests_seen) == fresh["total"]["requests"]
    days = (parse(fresh["total"]["done_at"]).date() - datetime.now(timezone.utc).date()).days
    assert days == math.ceil((fresh["total"]["requests"] - fresh["left_today"]) / 50)

    resumed = estimated(config, first.state)
    requests_seen.clear()
    run(streams=STREAMS_READ, limits_store=store, state=first.state)
    assert abs(resumed["total"]["requests"] - len(requests_seen)) <= 1
    later = estimated(config, second.state)
    requests_seen.clear()
    run(streams=STREAMS_READ, limits_store=store, state=second.state)
    assert later["total"]["requests"] == len(requests_seen)


@pytest.mark.parametrize("count", [-5, 10**30, "60"])
def test_an_estimate_does_not_believe_any_number_of_rows(
    tmp_path: Path, account: Account, count: Any
) -> None:
    body = json.dumps({"contacts": [], "contacts_count": count})
    middlewares = [on_every(1, answering(200, body), "/v3/contacts")]
    with Sandbox(account, middlewares=middlewares) as sandbox:
        tap = tap_with(config_for(sandbox, tmp_path))
        figures = estimate.estimated(tap)
    rows = {line["stream"]: line["rows"] for line in figures["streams"]}
    assert rows["contacts"] is None


@pytest.mark.slow
def test_an_estimate_tells_what_the_other_source_costs(
    run: Runner, sandbox: Sandbox, tmp_path: Path, requests_seen: list[Any]
) -> None:
    config = config_for(sandbox, tmp_path)
    other = estimated(config)["other_source"]
    assert other["report_source"] == "campaigns"
    assert [stream["stream"] for stream in other["streams"]] == [
        "contact_action_summary",
        "contact_action_summary, every 30 days",
        "contact_activity_details",
        "contact_activity_details, every 30 days",
    ]
    chosen = estimated({**config, "report_source": "campaigns"})
    assert chosen["other_source"]["report_source"] == "contacts"
    rows = [(line["stream"], line["rows"]) for line in other["streams"]]
    assert {(line["stream"], line["rows"]) for line in chosen["streams"]} > {*rows}
    requests_seen.clear()
    run(streams=CONTACT_REPORTS, report_source="campaigns", full_sweep_days=0)
    planned = sum(line["requests"] for line in other["streams"] if "days" not in line["stream"])
    assert 0.7 * len(requests_seen) < planned < 1.3 * len(requests_seen)
