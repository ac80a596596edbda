"""Recorded answers of the API, served over HTTP, and the tap run on them.

    python -m tests.replay FOLDER --limit 5

A folder has one file or more of answers in JSON: as `tap-constantcontact-doctor --record` writes
it, or as answers that others published were gathered. Each answer under `responses` has a `path`, a
`query`, a `body`, and a `status`, a `method` and `headers` unless they are the usual ones. The
options behind the folder are those of `tap-constantcontact`.
"""

from __future__ import annotations

import json
import re
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tap_constantcontact.cli import main
from tap_constantcontact.streams import STREAMS
from tests.parameters import Stream
from tests.sandboxes import path_of
from tests.wire import whole, wire

Recorded = Mapping[str, Any]
"""An answer as it stands in a folder."""

PLACES = ("cursor", "next", "prev", "offset")
"""The parameters that say which page is asked for."""

NOT_RECORDED = {
    "status": 404,
    "body": [{"error_key": "replay.not_recorded", "error_message": "Not in the folder."}],
}


def answers_in(folder: Path) -> dict[str, list[Recorded]]:
    """Return the answers of each file of a folder, by its name."""
    files = {file.stem: json.loads(file.read_text("utf-8")) for file in folder.glob("*.json")}
    return {name: files[name]["responses"] for name in sorted(files) if "responses" in files[name]}


def pattern(path: str) -> re.Pattern[str]:
    """Return what matches the paths that a path with names in braces, or a star, stands for."""
    return re.compile(re.sub(r"\\\{\w+\\\}|\\\*", "[^/]+", re.escape(path)))


def answered_by(answer: Recorded) -> list[Stream]:
    """Return the streams whose rows an answer brings."""
    path = answer.get("path", "")
    if answer.get("method", "GET") != "GET" or answer["status"] not in (200, 209):
        return []
    ours = [(stream, f"/v3{path_of(stream)}") for stream in STREAMS]
    same = [stream for stream, own in ours if own == path]
    return same or [
        stream
        for stream, own in ours
        if pattern(own).fullmatch(path) or pattern(path).fullmatch(re.sub(r"[{}]", "", own))
    ]


def found(answers: Sequence[Recorded], target: str) -> Recorded:
    """Return the answer to a request: of those of its path and page, the one most like it.

    Of several that are, it is the first. So an answer serves for other settings as well.
    """
    asked = urlsplit(target)
    query = parse_qs(asked.query)

    def likeness(answer: Recorded) -> tuple[int, int]:
        theirs = parse_qs(answer["query"])
        return sum(theirs.get(name) == value for name, value in query.items()), -len(theirs)

    of_page = [
        answer
        for answer in answers
        if answer.get("method", "GET") == "GET"
        and pattern(answer.get("path", "")).fullmatch(asked.path)
        and all(parse_qs(answer["query"]).get(name) == query.get(name) for name in PLACES)
    ]
    return max(of_page, key=likeness, default=NOT_RECORDED)


@contextmanager
def replaying(answers: Sequence[Recorded]) -> Iterator[dict[str, Any]]:
    """Serve answers; yields the settings with which the tap reads them."""

    def answer(request: bytes) -> list[bytes]:
        recorded = found(answers, request.split()[1].decode())
        headers = {"content-type": "application/json", **recorded.get("headers", {})}
        body = recorded["body"]
        is_text = "json" not in headers["content-type"]
        content = body if is_text else json.dumps(body)
        lines = (f"{name}: {value}" for name, value in headers.items())
        return whole(content.encode(), *lines, status=f"{recorded['status']} x")

    paths = (recorded.get("path", "").split("/") for recorded in answers)
    landing_pages = {path[5] for path in paths if path[2:4] == ["reports", "landing_pages"]}
    with wire(answer) as server:
        yield {
            "api_url": f"{server.url}/v3",
            "auth_url": f"{server.url}/oauth2",
            "access_token": "of-no-account",
            "requests_per_second": 10_000,
            "landing_page_activity_ids": sorted(landing_pages),
        }


def replay(folder: Path, options: Sequence[str]) -> None:
    """Run the command on a folder: unless --select names streams, those that were recorded."""
    answers = [answer for each in answers_in(folder).values() for answer in each]
    recorded = {stream.name for answer in answers for stream in answered_by(answer)}
    with replaying(answers) as settings, tempfile.TemporaryDirectory() as scratch:
        config = Path(scratch, "config.json")
        config.write_text(json.dumps({**settings, "streams": sorted(recorded)}), "utf-8")
        main([f"--config={config}", *options], prog_name="python -m tests.replay")


if __name__ == "__main__":
    replay(Path(sys.argv[1]), sys.argv[2:])
