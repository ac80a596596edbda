"""The project's public address, in the metadata of a build.

No file of the project contains the address. It stands in one place, the environment variable
PROJECT_ADDRESS, as in `https://HOST/OWNER/NAME`: the workflows set it to the repository they run
in. A build with it has the project's URLs, and a readme whose links lead to the repository. A build
without it has neither, and `release.py` refuses to release it.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

from hatchling.metadata.plugin.interface import MetadataHookInterface

RELATIVE_PICTURE = re.compile(r"(!\[[^\]]*\]\()(?!\w+:)")
RELATIVE_LINK = re.compile(r"(\]\()(?!\w+:|#)")


class AddressHook(MetadataHookInterface):
    """Adds the readme and the URLs."""

    def update(self, metadata: dict[str, Any]) -> None:
        """Add them to the metadata."""
        text = (Path(self.root) / "README.md").read_text("utf-8")
        if address := os.environ.get("PROJECT_ADDRESS"):
            text = RELATIVE_PICTURE.sub(rf"\1{address}/raw/HEAD/", text)
            text = RELATIVE_LINK.sub(rf"\1{address}/blob/HEAD/", text)
            owner, name = address.split("/")[-2:]
            metadata["urls"] = {
                "Repository": address,
                "Documentation": f"https://{owner.lower()}.github.io/{name}/",
                "Changelog": f"{address}/blob/HEAD/CHANGELOG.md",
                "Issues": f"{address}/issues",
            }
        metadata["readme"] = {"content-type": "text/markdown", "text": text}
