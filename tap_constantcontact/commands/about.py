"""What `--about` prints for people: the tap, and the meaning of each setting."""

from __future__ import annotations

import json
import textwrap

from singer_sdk.about import AboutFormatter, AboutInfo
from typing_extensions import override

FOR_PEOPLE = "people"
"""The name of this format; the SDK's own for people leaves out what a setting means."""

WIDTH = 100
"""Number of characters of a line."""


class AboutForPeople(AboutFormatter, format_name=FOR_PEOPLE):
    """Each setting with its default, its environment variable and its meaning."""

    @override
    def format_about(self, about_info: AboutInfo) -> str:
        versions = ", ".join(about_info.supported_python_versions or ())
        lines = [
            f"{about_info.name} {about_info.version}, with singer-sdk {about_info.sdk_version}",
            f"{about_info.description}",
            "",
            f"Python: {versions}",
            f"Capabilities: {', '.join(one.value for one in about_info.capabilities)}",
            "",
            "Settings:",
        ]
        for name, schema in about_info.settings["properties"].items():
            meaning = textwrap.fill(schema.get("description", ""), WIDTH - 6)
            lines += ["", f"  {name}", textwrap.indent(meaning, " " * 6)]
            if "default" in schema:
                lines.append(f"      Default: {json.dumps(schema['default'])}")
            lines.append(f"      Variable: {about_info.env_var_prefix}{name.upper()}")
        return "\n".join(lines)
