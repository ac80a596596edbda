"""The REST API source of dlt, up to the files from which it would load.

Run as `dlt_source.py URL STREAM`, where URL has no path; the files are written to the working
directory.
"""

import os
import sys
from pathlib import Path

import dlt
from dlt.sources.rest_api import RESTAPIConfig, rest_api_source


def configuration(url: str, stream: str) -> RESTAPIConfig:
    """Return what the source reads: a stream, and the contacts if it needs them."""
    contacts = {
        "name": "contacts",
        "primary_key": "contact_id",
        "endpoint": {
            "path": "v3/contacts",
            "params": {"status": "all", "limit": 500},
            "data_selector": "contacts",
        },
        "selected": stream == "contacts",
    }
    details = {
        "name": "contact_activity_details",
        "endpoint": {
            "path": "v3/reports/contact_reports/{resources.contacts.contact_id}/activity_details",
            "params": {"limit": 100},
            "data_selector": "tracking_activities",
        },
    }
    return {
        "client": {
            "base_url": url,
            "auth": {"type": "bearer", "token": "token"},
            "paginator": {"type": "json_link", "next_url_path": "_links.next.href"},
        },
        "resources": [contacts] if stream == "contacts" else [contacts, details],
    }


def main() -> None:
    """Extract one stream."""
    url, stream = sys.argv[1:]
    os.environ["RUNTIME__DLTHUB_TELEMETRY"] = "false"
    pipeline = dlt.pipeline("benchmark", pipelines_dir=str(Path("pipelines").absolute()))
    pipeline.extract(rest_api_source(configuration(url, stream)))


if __name__ == "__main__":
    main()
