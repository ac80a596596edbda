"""The page of the assumptions about the API, as the code declares them."""

from __future__ import annotations

from tap_constantcontact.commands.doctor.assumptions import MOST_REQUESTS
from tap_constantcontact.commands.verify import ASSUMPTIONS
from tap_constantcontact.commands.verify.assumption import Assumption

PATH = "docs/assumptions.md"

HEAD = f"""# What the tap assumes about the API

Not everything that the tap relies on is documented by Constant Contact, or has been seen in an
account. Your own account can show it:

```
tap-constantcontact-doctor --config config.json --verify
```

It sends at most {MOST_REQUESTS} requests, which count like those of a run, and changes nothing. If
the day or `request_budget` does not suffice, the same command goes on later. The exit code is 1 if
an assumption does not hold and rows may be missing for it. `--json` prints the same for programs.

What it prints has neither ids nor personal data, so it can be attached to an issue.

"""


def page() -> str:
    """Return the page: those that may lose rows first."""
    losing = [each for each in ASSUMPTIONS if each.loses_rows]
    others = [each for each in ASSUMPTIONS if not each.loses_rows]
    return (
        "".join(
            (
                HEAD,
                "## If one of these does not hold, rows may be missing\n\n",
                *map(section, losing),
                "## If one of these does not hold, no row is missing unnoticed\n\n",
                *map(section, others),
            )
        ).rstrip("\n")
        + "\n"
    )


def section(assumption: Assumption) -> str:
    return (
        f"### {assumption.name}\n\n{assumption.belief}\n\n"
        f"- Source: {assumption.source}.\n"
        f"- If not: {assumption.harm}\n"
        f"- What to do: {assumption.remedy}\n\n"
    )
