"""What MkDocs does not do by itself: the README as the front page, and links out of docs/.

The pages link to each other, and to other files of the project, as GitHub wants it. Where the site
has no such file, the link leads to the repository, whose address is in the environment variable
PROJECT_ADDRESS; without one, to the file on this machine.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).parents[1]
ADDRESS = os.environ.get("PROJECT_ADDRESS")
ELSEWHERE = f"{ADDRESS}/blob/HEAD" if ADDRESS else ROOT.as_uri()
OUTSIDE = re.compile(r"\]\(\.\./")
IN_README = re.compile(r"\]\((?!\w+:|#)(docs/)?")
WIDE = 4
"""More lines than this in a row of a table: it needs the whole width."""


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the front page."""
    text = IN_README.sub(
        lambda link: "](" if link[1] else f"]({ELSEWHERE}/", (ROOT / "README.md").read_text("utf-8")
    )
    files.append(File.generated(config, "index.md", content=text))
    return files


def on_page_markdown(markdown: str, page: Page, **_: Any) -> str:
    """Lead the links that leave docs/ to the project, and give wide tables the whole width."""
    if any(line.count("|") > WIDE for line in markdown.splitlines()):
        page.meta["hide"] = ["toc"]
    return OUTSIDE.sub(f"]({ELSEWHERE}/", markdown)
