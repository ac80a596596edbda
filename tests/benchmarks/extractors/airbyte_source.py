"""A declarative source on Airbyte's CDK; what it reads stands in the manifest beside it.

Run as `airbyte_source.py URL STREAM`, where URL has no path; the messages are written to the
standard output.
"""

import json
import sys
from pathlib import Path

from airbyte_cdk.entrypoint import launch
from airbyte_cdk.sources.declarative.yaml_declarative_source import YamlDeclarativeSource

MANIFEST = Path(__file__).with_name("airbyte_manifest.yaml")


def main() -> None:
    """Read one stream in full."""
    url, stream = sys.argv[1:]
    config = {"url": url, "token": "token"}
    configured = {
        "stream": {"name": stream, "json_schema": {}, "supported_sync_modes": ["full_refresh"]},
        "sync_mode": "full_refresh",
        "destination_sync_mode": "overwrite",
    }
    Path("config.json").write_text(json.dumps(config))
    Path("catalog.json").write_text(json.dumps({"streams": [configured]}))
    source = YamlDeclarativeSource(str(MANIFEST), config=config)
    launch(source, ["read", "--config", "config.json", "--catalog", "catalog.json"])


if __name__ == "__main__":
    main()
