"""The least that must be done: request each page, decode it, and encode its rows.

Run as `bare_loop.py URL STREAM`, where URL has no path; the messages are written to the standard
output.
"""

import sys
from collections.abc import Iterator
from typing import Any

import msgspec
import requests

CONTACTS = "/v3/contacts?status=all&limit=500"
DETAILS = "/v3/reports/contact_reports/{}/activity_details?limit=100"


class Loop:
    """A session that follows the links from page to page."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._session = requests.Session()
        self._decoder = msgspec.json.Decoder()

    def contacts(self) -> Iterator[dict[str, Any]]:
        """Yield all contacts."""
        return self._rows(CONTACTS, "contacts")

    def contact_activity_details(self) -> Iterator[dict[str, Any]]:
        """Yield the events of all contacts."""
        for contact_id in [contact["contact_id"] for contact in self.contacts()]:
            yield from self._rows(DETAILS.format(contact_id), "tracking_activities")

    def _rows(self, link: str | None, key: str) -> Iterator[dict[str, Any]]:
        while link:
            response = self._session.get(self._url + link, timeout=60)
            response.raise_for_status()
            page = self._decoder.decode(response.content)
            yield from page[key]
            link = page["_links"].get("next", {}).get("href")


def main() -> None:
    """Write each row of a stream as a message."""
    url, stream = sys.argv[1:]
    encode = msgspec.json.Encoder().encode
    for row in getattr(Loop(url), stream)():
        sys.stdout.buffer.write(encode({"type": "RECORD", "stream": stream, "record": row}))
        sys.stdout.buffer.write(b"\n")


if __name__ == "__main__":
    main()
