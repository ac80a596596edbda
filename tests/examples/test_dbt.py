"""The dbt package on what real targets loaded, in DuckDB and in Postgres."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
import yaml

from tap_constantcontact.sandbox.account import Account, status
from tap_constantcontact.sandbox.server import Sandbox
from tests.examples import marts
from tests.examples.warehouse import COMMANDS, EXAMPLE, DuckDB, Postgres, Project, Warehouse
from tests.runs import config_for, sync
from tests.servers import BINARIES, postgres

NEEDED = (COMMANDS / "dbt", COMMANDS / "target-duckdb")
NEEDED_FOR_POSTGRES = (COMMANDS / "target-postgres", (BINARIES or Path("/nowhere")) / "postgres")
pytestmark = [
    pytest.mark.skipif(
        not all(command.exists() for command in NEEDED),
        reason="no DBT_VENV with dbt and target-duckdb",
    ),
    pytest.mark.timeout(300),
]

SVG = "{http://www.w3.org/2000/svg}"
ROLE = "aria-roledescription"
WIDTH, HEIGHT = 430, 230
"""Of the frame of each chart, in pixels."""

STREAMS = yaml.safe_load((EXAMPLE / "dbt_project.yml").read_text())["vars"]["loaded_tables"]


@pytest.fixture(params=["duckdb", "postgres"])
def warehouse(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Warehouse]:
    if request.param == "duckdb":
        yield DuckDB(tmp_path)
        return
    if not all(command.exists() for command in NEEDED_FOR_POSTGRES):
        pytest.skip("no Postgres, or no target-postgres in DBT_VENV")
    with postgres() as url:
        yield Postgres(tmp_path, url)


@pytest.fixture
def project(warehouse: Warehouse, tmp_path: Path) -> Project:
    return Project(tmp_path / "dbt", warehouse)


@pytest.fixture
def account() -> Account:
    return Account(size=60, now=datetime.now(timezone.utc))


def without_time_of_computing(mart: marts.Mart) -> marts.Mart:
    return {
        key: {name: value for name, value in row.items() if name != "computed_at"}
        for key, row in mart.items()
    }


def test_marts_agree_with_the_account_and_follow_its_lists(
    project: Project, account: Account, tmp_path: Path
) -> None:
    with Sandbox(account) as sandbox:
        config = config_for(sandbox, tmp_path)
        first = sync(config, streams=STREAMS)
        project.warehouse.load(first.lines)
        now = account.now.replace(microsecond=0)
        project.build(as_of=f"{now:%Y-%m-%d %H:%M:%S}")

        campaigns = without_time_of_computing(project.mart("campaign_performance", "campaign_id"))
        assert campaigns == marts.campaign_performance(account)
        engaged = project.mart("contact_engagement", "contact_id")
        assert engaged == marts.contact_engagement(account, now)
        assert {row["engagement_tier"] for row in engaged.values()} >= {"engaged", "unresponsive"}
        stays = marts.list_memberships(account)
        assert project.mart("list_memberships", "contact_id", "list_id") == stays
        growth = marts.list_growth(account, stays, marts.month_of(now))
        assert project.mart("list_growth", "list_id", "month") == growth
        unsubscribes = project.mart("unsubscribes", "month", "opt_out_source", "opt_out_reason")
        assert unsubscribes == marts.unsubscribes(account)

        changed = datetime.now(timezone.utc)
        active = [key for key, contact in account.contacts.items() if status(contact) == "active"]
        mover, quitter, victim = (account.contacts[key] for key in active[:3])
        left = mover["list_memberships"].pop(0)
        joined = next(key for key in account.lists if key not in {left, *mover["list_memberships"]})
        mover["list_memberships"].append(joined)
        account.edit(mover["contact_id"], changed)
        account.unsubscribe(quitter["contact_id"], changed, "Too many e-mails")
        account.delete(victim["contact_id"], changed)
        second = sync(config, first.state, streams=STREAMS)

    project.warehouse.load(second.lines)
    began = datetime.now(timezone.utc)
    project.build()
    ended = datetime.now(timezone.utc)

    found_stays = project.mart("list_memberships", "contact_id", "list_id")
    moved_from = found_stays[mover["contact_id"], left]
    moved_to = found_stays.pop((mover["contact_id"], joined))
    assert began <= moved_from["left_at"] <= ended
    assert began <= moved_to["joined_at"] <= ended
    assert moved_to["is_join_seen"]
    assert moved_to["left_at"] is None
    stays[mover["contact_id"], left]["left_at"] = moved_from["left_at"]
    for key, stay in stays.items():
        if key[0] == victim["contact_id"]:
            stay["left_at"] = marts.utc(victim["deleted_at"])
        if key[0] == quitter["contact_id"]:
            stay["left_at"] = marts.utc(quitter["email_address"]["opt_out_date"])
    assert found_stays == stays

    growth = marts.list_growth(account, {**stays, "new": moved_to}, marts.month_of(ended))
    assert project.mart("list_growth", "list_id", "month") == growth
    unsubscribes = project.mart("unsubscribes", "month", "opt_out_source", "opt_out_reason")
    assert unsubscribes == marts.unsubscribes(account)


def test_charts_show_the_marts(account: Account, tmp_path: Path) -> None:
    project = Project(tmp_path / "dbt", DuckDB(tmp_path))
    with Sandbox(account) as sandbox:
        run = sync(config_for(sandbox, tmp_path), streams=STREAMS)
    project.warehouse.load(run.lines)
    project.run("dbt", "build", "--exclude-resource-types", "test", "unit_test")
    project.run("python", "charts.py")

    picture = ET.parse(project.folder / "charts.svg")
    texts = {node.text for node in picture.iter(f"{SVG}text")}
    engaged = project.mart("contact_engagement", "contact_id").values()
    tiers = Counter(row["engagement_tier"] for row in engaged if row["status"] == "active")
    assert {str(count) for count in tiers.values()} <= texts
    names = [row["name"] for row in account.campaigns.rows.values()]
    assert {name for name in names if name in texts} == latest_campaigns(account)
    assert "Newsletter" in texts
    assert "<script src" not in (project.folder / "charts.html").read_text("utf-8")
    found = [path for path in picture.iter(f"{SVG}path") if path.get(ROLE) == "bar"]
    assert len(found) > 30
    for bar in found:
        assert is_inside(bar), bar.get("aria-label")


def is_inside(bar: ET.Element) -> bool:
    """Tell whether a bar ends before the frame of its chart does."""
    shape = re.match(r"M(.+?),(.+?)h(.+?)v(.+?)h", bar.attrib["d"])
    assert shape
    x, y, width, height = map(float, shape.groups())
    goes_down = "leaves" in bar.attrib["aria-label"]
    return x + width < WIDTH and y > 0 and (y + height < HEIGHT or not goes_down)


def latest_campaigns(account: Account) -> set[str]:
    sent = sorted(marts.campaign_performance(account).values(), key=lambda row: row["last_sent_at"])
    return {row["campaign_name"] for row in sent[-10:]}
