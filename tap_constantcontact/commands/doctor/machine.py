"""This machine: its Python and packages, its way to a server, its clock."""

from __future__ import annotations

import platform
import time
from collections.abc import Collection, Iterator
from importlib import metadata
from urllib.parse import urlsplit

import pendulum
import requests
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from requests.utils import get_environ_proxies, select_proxy
from urllib3.exceptions import NameResolutionError

from tap_constantcontact.auth.session import HomeAdapter, HomeSession
from tap_constantcontact.commands.doctor.findings import DoctorReport, Verdict
from tap_constantcontact.config.validation import is_address
from tap_constantcontact.transport.responses import date_of
from tap_constantcontact.transport.session import MOST_BYTES

PACKAGE = "tap-constantcontact"

SERVER_PATIENCE = 10.0
"""Seconds to wait for a server."""

SLIGHT = 5.0
"""Seconds by which clocks may differ: a `Date` header has whole seconds, and is on its way."""

HARMFUL = 60.0
"""Seconds of difference between the clocks from which on a run may miss changes."""


def installation(report: DoctorReport, extras: Collection[str]) -> None:
    """Compare Python and the installed packages with what the tap, with some extras, asks for."""
    try:
        about = metadata.metadata(PACKAGE)
    except metadata.PackageNotFoundError:
        report.error("packages", f"{PACKAGE} is not installed.", f"Run pip install {PACKAGE}.")
        return
    needed, version = about["Requires-Python"] or "", platform.python_version()
    if SpecifierSet(needed).contains(version, prereleases=True):
        report.ok("Python", f"Python {version} is supported.")
    else:
        advice = f"Install Python {needed}, and the tap with it."
        report.error("Python", f"Python {version} is not supported.", advice)
    misfits = [*_misfits(extras)]
    for package, found in misfits:
        report.error("packages", found, f"Run pip install '{package.name}{package.specifier}'.")
    if not misfits:
        report.ok("packages", f"{PACKAGE} {about['Version']} has the packages that it needs.")


def _misfits(extras: Collection[str]) -> Iterator[tuple[Requirement, str]]:
    """Yield each package that is missing, or whose version is not supported, and what is wrong."""
    for package in map(Requirement, metadata.requires(PACKAGE) or ()):
        environments = ({"extra": extra} for extra in ("", *extras))
        if package.marker and not any(map(package.marker.evaluate, environments)):
            continue
        try:
            version = metadata.version(package.name)
        except metadata.PackageNotFoundError:
            yield package, f"{package.name} is not installed."
        else:
            if not package.specifier.contains(version, prereleases=True):
                yield package, f"{package.name} {version} is installed, which is not supported."


def reach(report: DoctorReport, name: str, url: str) -> requests.Response | None:
    """Request the address of a server, without a token; any response will do."""
    if not is_address(url):
        report.skipped("network", f"{name} is not a valid address")
        return None
    try:
        with HomeSession(HomeAdapter(url, MOST_BYTES)) as session:
            response = session.head(url, timeout=SERVER_PATIENCE)
    except (requests.RequestException, ValueError) as failure:
        unreachable(report, name, url, failure)
        return None
    reached(report, name, url)
    return response


def reached(report: DoctorReport, name: str, url: str) -> None:
    """Add that a server has responded."""
    proxy = _proxy(url)
    by_way = f" by way of the proxy {host(proxy)}" if proxy else ""
    secure = ", and its certificate is trusted" if urlsplit(url).scheme == "https" else ""
    report.ok("network", f"{name}: {host(url)} responds{by_way}{secure}.")


def unreachable(report: DoctorReport, name: str, url: str, failure: Exception) -> None:
    """Add that there is no response from a server, and why."""
    server = host(url)
    if isinstance(failure, requests.exceptions.ProxyError):
        text = f"the proxy {host(_proxy(url) or '')} does not let requests to {server} through."
        advice = "Check HTTPS_PROXY, HTTP_PROXY and NO_PROXY."
    elif isinstance(failure, requests.exceptions.SSLError):
        text = f"the certificate of {server} is not trusted."
        advice = (
            "Check this machine's clock. If a proxy replaces certificates, set REQUESTS_CA_BUNDLE "
            "to the file with the proxy's own."
        )
    elif isinstance(failure, requests.Timeout):
        text = f"{server} did not respond within {SERVER_PATIENCE:.0f} seconds."
        advice = "Check the network and its firewall; or set HTTPS_PROXY if it needs a proxy."
    elif any(isinstance(getattr(each, "reason", 0), NameResolutionError) for each in failure.args):
        text = f"the name {server} cannot be resolved."
        advice = f"Check {name}, the network and its DNS; or set HTTPS_PROXY if it needs a proxy."
    elif isinstance(failure, requests.ConnectionError):
        text = f"{server} cannot be reached."
        advice = f"Check {name}, the network and its firewall."
    else:
        text = f"the address cannot be used ({type(failure).__name__})."
        advice = f"Check {name}."
    report.error("network", f"{name}: {text}", advice)


def _proxy(url: str) -> str | None:
    return select_proxy(url, get_environ_proxies(url))


def host(url: str) -> str:
    """Return the host in an address, without user and password."""
    parts = urlsplit(url)
    return f"{parts.hostname}:{parts.port}" if parts.port else str(parts.hostname or url)


def clock(report: DoctorReport, response: requests.Response) -> None:
    """Compare this machine's clock with the `Date` header of a response that just arrived."""
    theirs = date_of(response)
    if theirs is None:
        report.skipped("clock", "the response has no date")
        return
    ahead = time.time() - theirs
    if abs(ahead) <= SLIGHT:
        report.ok("clock", "This machine's clock is right.")
        return
    by = pendulum.duration(seconds=round(abs(ahead))).in_words()
    report.add(
        Verdict.ERROR if abs(ahead) > HARMFUL else Verdict.WARNING,
        "clock",
        f"This machine's clock is {by} {'ahead' if ahead > 0 else 'behind'}.",
        "Set it, for example by NTP: runs would miss changes, or mistake the day of the quota.",
    )
