"""The log of a real process: for a person, in a file and on a terminal, and for a program."""

from __future__ import annotations

import json
import os
import pty
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tap_constantcontact.sandbox.data.contacts import UNDOCUMENTED
from tap_constantcontact.sandbox.server import Sandbox
from tap_constantcontact.tap import TapConstantContact
from tests.catalogs import select
from tests.parameters import CONTACT_REPORTS, DETAILS, SUMMARY
from tests.processes import blocks, run_tap
from tests.runs import config_for

pytestmark = pytest.mark.contacts(20, young=True)

Ended = subprocess.CompletedProcess[str]

FOUR = ("contact_lists", "contacts", SUMMARY, DETAILS)

LINE = re.compile(r"[-\d]{10} [\d:,]+ \| (?P<level>\w+) +\| [\w.-]+ +\| (?P<text>.*)")

SENTENCE = re.compile(r"(tap-constantcontact|[A-Z])\S*( \S+)+\.")

STRUCTURED = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"json": {"()": "singer_sdk.logging.StructuredFormatter"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "json"}},
    "root": {"level": "INFO", "handlers": ["stderr"]},
}
"""A logging configuration as Meltano writes it."""


@pytest.fixture
def options(sandbox: Sandbox, tmp_path: Path) -> list[str]:
    """What the tap is given on its command line to read the four reports."""
    (tmp_path / "config.json").write_text(json.dumps(config_for(sandbox, tmp_path)))
    catalog = TapConstantContact(config={"access_token": "none"}).catalog_dict
    select(catalog, FOUR)
    (tmp_path / "catalog.json").write_text(json.dumps(catalog))
    return [f"--config={tmp_path / 'config.json'}", f"--catalog={tmp_path / 'catalog.json'}"]


def rows_of(stdout: str) -> dict[str, int]:
    lines = [json.loads(line) for line in stdout.splitlines()]
    streams = [line["stream"] for line in lines if line["type"] == "RECORD"]
    return {stream: streams.count(stream) for stream in FOUR}


def configured(
    options: list[str], tmp_path: Path, **config: Any
) -> subprocess.CompletedProcess[str]:
    """Run the tap with a logging configuration."""
    file = tmp_path / "logging.yaml"
    file.write_text(json.dumps({**STRUCTURED, **config}))
    return fresh(options, SINGER_SDK_LOG_CONFIG=str(file))


def fresh(options: list[str], **variables: str) -> Ended:
    """Run the tap in a new interpreter, as the SDK sets its log up when the tap is imported."""
    return subprocess.run(
        [sys.executable, "-m", "tap_constantcontact", *options],
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        check=True,
    )


# For a person


def test_a_log_has_a_sentence_for_each_stream_and_ends_with_the_figures(
    options: list[str], requests_seen: list[Any]
) -> None:
    ran = fresh(options, PYTHONWARNINGS="ignore")  # of Python versions past their end of life
    lines = ran.stderr.splitlines()
    assert len(lines) < 25
    texts = []
    for line in lines:
        parts = LINE.fullmatch(line)
        assert parts, line
        assert SENTENCE.fullmatch(parts["text"]), line
        assert parts["level"] == "INFO" or UNDOCUMENTED in line
        texts.append(parts["text"])
    rows = rows_of(ran.stdout)
    told = [re.match(r"Read ([\d,]+) rows? of ([a-z]\w+)", text) for text in texts]
    assert {found[2]: int(found[1].replace(",", "")) for found in told if found} == rows
    assert texts[0].startswith("tap-constantcontact ")
    assert texts[1].startswith("The account is ")
    for stream, number in rows.items():
        assert f" {number:,} of {stream}" in texts[-2]
    assert f"Sent {len(requests_seen):,} requests " in texts[-1]
    assert "requests left today." in texts[-1]


@pytest.mark.slow
def test_messages_of_the_sdk_are_logged_at_debug_level(options: list[str]) -> None:
    ran = fresh(options, LOGLEVEL="DEBUG")
    assert "METRIC: " in ran.stderr
    assert "Skipping deselected stream" in ran.stderr


@pytest.mark.slow
def test_metrics_go_where_a_configuration_sends_them(
    options: list[str], tmp_path: Path, requests_seen: list[Any]
) -> None:
    file = tmp_path / "metrics.log"
    ran = configured(
        options,
        tmp_path,
        formatters={"plain": {"format": "%(message)s"}},
        handlers={
            "stderr": {"class": "logging.StreamHandler", "formatter": "plain"},
            "file": {"class": "logging.FileHandler", "formatter": "plain", "filename": str(file)},
        },
        loggers={"singer_sdk.metrics": {"level": "INFO", "handlers": ["file"]}},
    )
    assert "METRIC" not in ran.stderr
    metrics = [json.loads(line.partition("METRIC: ")[2]) for line in file.read_text().splitlines()]

    def by_stream(name: str) -> dict[str, int]:
        found = (metric for metric in metrics if metric["metric"] == name)
        return {metric["tags"]["stream"]: metric["value"] for metric in found}

    assert by_stream("record_count") == rows_of(ran.stdout)
    assert sum(by_stream("http_request_count").values()) <= len(requests_seen)
    assert by_stream("http_request_count").keys() == {*FOUR}
    assert by_stream("parent_count").keys() == {*CONTACT_REPORTS[:2]}
    (left,) = (metric for metric in metrics if metric["metric"] == "http_requests_left_today")
    assert left["value"] == 10_000 - len(requests_seen)


def on_a_terminal(*arguments: str) -> str:
    """Run a command whose stderr is a terminal, and return what it shows."""
    shown, terminal = pty.openpty()
    process = subprocess.Popen(arguments, stdout=subprocess.DEVNULL, stderr=terminal)
    os.close(terminal)
    text = b"".join(blocks(shown))
    os.close(shown)
    assert process.wait() == 0, text
    return text.decode()


@pytest.mark.slow
def test_a_terminal_gets_a_table_and_no_metrics(options: list[str], tmp_path: Path) -> None:
    text = on_a_terminal(sys.executable, "-m", "tap_constantcontact", *options)
    assert "METRIC" not in text
    rows = rows_of(run_tap(tmp_path, *options).stdout)
    for stream, number in rows.items():
        assert re.search(rf"^{stream} +{number:,} +[\d,]+ +[\d.]+ seconds", text, re.MULTILINE)
    assert "requests left today." in text.splitlines()[-1]


# For a program


@pytest.mark.slow
def test_a_program_gets_the_figures_as_fields(
    options: list[str], tmp_path: Path, requests_seen: list[Any], sandbox: Sandbox
) -> None:
    ran = configured(options, tmp_path)
    lines = [json.loads(line) for line in ran.stderr.splitlines()]
    rows = rows_of(ran.stdout)
    read = {line["stream_name"]: line["extra"] for line in lines if line["stream_name"]}
    assert {stream: fields["rows"] for stream, fields in read.items()} == rows
    assert sum(fields["requests"] for fields in read.values()) <= len(requests_seen)
    for stream in CONTACT_REPORTS[:2]:
        fields = read[stream]
        assert fields["done"] == fields["total"] > 0
        assert fields["unit"] == "contacts"
    (last,) = (line["extra"] for line in lines if line["message"].startswith("Sent "))
    assert last["requests_so_far"] == len(requests_seen) == sandbox.limits.spent_today
    assert last["throttled_so_far"] == 0
    assert last["left_today"] == 10_000 - len(requests_seen)
    assert last["rows"] == sum(rows.values())
    assert "METRIC" not in ran.stderr
    assert "Skipping deselected stream" not in ran.stderr
