"""Batches that cannot be written, or would not be what the settings say, are refused."""

from __future__ import annotations

from typing import Any

import pytest

from tap_constantcontact.exceptions import ConfigValidationError
from tap_constantcontact.tap import TapConstantContact

JSON_LINES = {"format": "jsonl", "compression": "gzip"}
FOLDER = {"root": "file:///srv"}
BAD_BATCHES: dict[str, tuple[dict[str, Any], str]] = {
    "Parquet": ({"encoding": {"format": "parquet"}, "storage": FOLDER}, "jsonl"),
    "no format": ({"encoding": {"compression": "gzip"}, "storage": FOLDER}, "format jsonl"),
    "files that are not compressed": (
        {"encoding": {**JSON_LINES, "compression": "none"}, "storage": FOLDER},
        "compression gzip",
    ),
    "no storage": ({"encoding": JSON_LINES}, "needs a root"),
    "no root": ({"encoding": JSON_LINES, "storage": {"prefix": "a"}}, "needs a root"),
    "a misspelt encoding": ({"encodin": JSON_LINES, "storage": FOLDER}, "encoding?"),
    "a misspelt format": (
        {"encoding": {**JSON_LINES, "fromat": "jsonl"}, "storage": FOLDER},
        "format?",
    ),
    "a misspelt root": ({"encoding": JSON_LINES, "storage": {**FOLDER, "rot": "a"}}, "root?"),
    "a text for an object": (
        {"encoding": JSON_LINES, "storage": {**FOLDER, "params": "a"}},
        "params must be an object",
    ),
    "files without records": (
        {"encoding": JSON_LINES, "storage": FOLDER, "batch_size": 0},
        "batch_size",
    ),
}


@pytest.mark.parametrize("name", BAD_BATCHES)
def test_batches_that_cannot_be_written_are_refused(name: str) -> None:
    batches, said = BAD_BATCHES[name]
    with pytest.raises(ConfigValidationError) as caught:
        TapConstantContact(config={"access_token": "t", "batch_config": batches})
    assert "batch_config" in caught.value.errors[0]
    assert said in "; ".join(caught.value.errors)


@pytest.mark.parametrize(
    "beside",
    [
        {"stream_maps": {"contacts": {"email_address": None}}},
        {"stream_maps": {"contacts": None}},
        {"stream_maps": {"__else__": None}},
        {"stream_map_config": {"pepper": "a"}},
        {"faker_config": {"seed": 1}},
        {"flattening_enabled": True, "flattening_max_depth": 1},
    ],
    ids=str,
)
def test_batches_are_refused_together_with_what_changes_records(beside: dict[str, Any]) -> None:
    batches = {"encoding": JSON_LINES, "storage": FOLDER}
    with pytest.raises(ConfigValidationError) as caught:
        TapConstantContact(config={"access_token": "t", "batch_config": batches, **beside})
    (said,) = caught.value.errors
    assert next(iter(beside)) in said
    assert "leave batch_config or the others out" in said
