"""This machine: its Python and packages, its way to a server, its clock."""

from __future__ import annotations

import platform
import socket
import ssl
import time
from collections.abc import Collection, Iterator
from importlib import metadata
from urllib.parse import urlsplit

import pendulum
import requests
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from requests.utils import get_environ_proxies, select_proxy

from tap_constantcontact.auth.session import HomeAdapter, HomeSession
from tap_constantcontact.commands.doctor.findings import Finding, error, ok, skipped, warning
from tap_constantcontact.config.validation import is_address
from tap_constantcontact.transport.responses import date_of
from tap_constantcontact.transport.session import MOST_BYTES

PACKAGE = "tap-constantcontact"

PATIENCE = 10.0
"""Seconds to wait for a server."""

SLIGHT = 5.0
"""Seconds by which clocks may differ: a `Date` header has whole seconds, and is on its way."""

HARMFUL = 60.0
"""Seconds of difference between the clocks from which on a run may miss changes."""


def installation(extras: Collection[str]) -> Iterator[Finding]:
    """Compare Python and the installed packages with what the tap's metadata asks for.

    Args:
        extras: The extras that the settings need.
    """
    try:
        about = metadata.metadata(PACKAGE)
    except metadata.PackageNotFoundError:
        yield error("packages", f"{PACKAGE} is not installed.", f"Run pip install {PACKAGE}.")
        return
    needed, version = about["Requires-Python"] or "", platform.python_version()
    if SpecifierSet(needed).contains(version, prereleases=True):
        yield ok("Python", f"Python {version} is supported.")
    else:
        advice = f"Install Python {needed}, and the tap with it."
        yield error("Python", f"Python {version} is not supported.", advice)
    faults = [*_packages(extras)]
    yield from faults
    if not faults:
        yield ok("packages", f"{PACKAGE} {about['Version']} has the packages that it needs.")


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
        yield error("packages", found, f"Run pip install '{needed.name}{needed.specifier}'.")


def reach(name: str, url: str) -> tuple[Finding, requests.Response | None]:
    """Request the address of a server, without a token; any response will do.

    Args:
        name: Name of the setting that holds the address.
        url: The address.
    """
    if not is_address(url):
        return skipped("network", f"{name} is not a valid address"), None
    try:
        with HomeSession(HomeAdapter(url, MOST_BYTES)) as session:
            response = session.head(url, timeout=PATIENCE)
    except (requests.RequestException, ValueError) as failure:
        return unreachable(name, url, failure), None
    return reached(name, url), response


def reached(name: str, url: str) -> Finding:
    """Return the finding that a server has responded."""
    proxy = _proxy(url)
    by_way = f" by way of the proxy {host(proxy)}" if proxy else ""
    secure = ", and its certificate is trusted" if urlsplit(url).scheme == "https" else ""
    return ok("network", f"{name}: {host(url)} responds{by_way}{secure}.")


def unreachable(name: str, url: str, failure: Exception) -> Finding:
    """Return the finding that there is no response from a server, with the reason."""
    server, proxy = host(url), _proxy(url)
    causes = [*_causes(failure)]
    if isinstance(failure, requests.exceptions.ProxyError):
        text = f"the proxy {host(proxy or '')} does not let requests to {server} through."
        advice = "Check HTTPS_PROXY, HTTP_PROXY and NO_PROXY."
    elif any(isinstance(cause, ssl.SSLError) for cause in causes):
        text = f"the certificate of {server} is not trusted."
        advice = (
            "Check this machine's clock. If a proxy replaces certificates, set REQUESTS_CA_BUNDLE "
            "to the file with the proxy's own."
        )
    elif any(isinstance(cause, socket.gaierror) for cause in causes):
        text = f"the name {server} cannot be resolved."
        advice = f"Check {name}, the network and its DNS; or set HTTPS_PROXY if it needs a proxy."
    elif isinstance(failure, requests.Timeout):
        text = f"{server} did not respond within {PATIENCE:.0f} seconds."
        advice = "Check the network and its firewall; or set HTTPS_PROXY if it needs a proxy."
    elif isinstance(failure, requests.ConnectionError):
        text = f"{server} cannot be reached."
        advice = f"Check {name}, the network and its firewall."
    else:
        text = f"the address cannot be used ({type(failure).__name__})."
        advice = f"Check {name}."
    return error("network", f"{name}: {text}", advice)


def _causes(failure: BaseException) -> Iterator[BaseException]:
    """Yield an error and what it came from, which requests and urllib3 keep in several places."""
    seen: list[BaseException] = [failure]
    for one in seen:
        yield one
        wrapped = (*one.args, getattr(one, "reason", None), one.__cause__, one.__context__)
        seen += [
            cause for cause in wrapped if isinstance(cause, BaseException) and cause not in seen
        ]


def _proxy(url: str) -> str | None:
    return select_proxy(url, get_environ_proxies(url))


def host(url: str) -> str:
    """Return the host in an address, without user and password."""
    parts = urlsplit(url)
    return f"{parts.hostname}:{parts.port}" if parts.port else str(parts.hostname or url)


def clock(response: requests.Response) -> Finding:
    """Compare this machine's clock with the `Date` header of a response that just arrived."""
    theirs = date_of(response)
    if theirs is None:
        return skipped("clock", "the response has no date")
    ahead = time.time() - theirs
    if abs(ahead) <= SLIGHT:
        return ok("clock", "This machine's clock is right.")
    by = pendulum.duration(seconds=round(abs(ahead))).in_words()
    return (error if abs(ahead) > HARMFUL else warning)(
        "clock",
        f"This machine's clock is {by} {'ahead' if ahead > 0 else 'behind'}.",
        "Set it, for example by NTP: runs would miss changes, or mistake the day of the quota.",
    )
