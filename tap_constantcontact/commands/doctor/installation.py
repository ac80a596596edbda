"""Python and the installed packages, compared with what the tap's metadata asks for."""

from __future__ import annotations

import platform
from collections.abc import Collection, Iterator
from importlib import metadata

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from tap_constantcontact.commands.doctor.findings import Finding, Verdict, well

PACKAGE = "tap-constantcontact"


def examine(extras: Collection[str]) -> Iterator[Finding]:
    """Examine Python and the packages.

    Args:
        extras: The extras that the settings need.
    """
    try:
        about = metadata.metadata(PACKAGE)
    except metadata.PackageNotFoundError:
        yield Finding(
            "packages", Verdict.ERROR, f"{PACKAGE} is not installed.", f"Run pip install {PACKAGE}."
        )
        return
    yield _python(about["Requires-Python"] or "")
    faults = [*_packages(extras)]
    yield from faults
    if not faults:
        yield well("packages", f"{PACKAGE} {about['Version']} has the packages that it needs.")


def _python(needed: str) -> Finding:
    version = platform.python_version()
    if SpecifierSet(needed).contains(version, prereleases=True):
        return well("Python", f"Python {version} is supported.")
    return Finding(
        "Python",
        Verdict.ERROR,
        f"Python {version} is not supported.",
        f"Install Python {needed}, and the tap with it.",
    )


def _packages(extras: Collection[str]) -> Iterator[Finding]:
    """Yield a finding for each package that is missing, or whose version is not supported."""
    for text in metadata.requires(PACKAGE) or ():
        needed = Requirement(text)
        environments = ({"extra": extra} for extra in ("", *extras))
        if needed.marker and not any(map(needed.marker.evaluate, environments)):
            continue
        try:
            version = metadata.version(needed.name)
        except metadata.PackageNotFoundError:
            found = f"{needed.name} is not installed."
        else:
            if needed.specifier.contains(version, prereleases=True):
                continue
            found = f"{needed.name} {version} is installed, which is not supported."
        advice = f"Run pip install '{needed.name}{needed.specifier}'."
        yield Finding("packages", Verdict.ERROR, found, advice)
