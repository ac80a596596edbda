"""The `tap-constantcontact-login` command, which knows what the streams need."""

from __future__ import annotations

from typing import Any

from tap_constantcontact.auth import login
from tap_constantcontact.needs import needs_of
from tap_constantcontact.streams import STREAMS


def main() -> Any:
    """Run the command; `--check` tells of the streams that are selected by default."""
    selected = [stream for stream in STREAMS if stream.selected_by_default]
    return login.main(prog_name="tap-constantcontact-login", obj=needs_of(selected))


if __name__ == "__main__":
    main()
