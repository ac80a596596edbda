"""The addresses of stores: no part of one is ever shown."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tap_constantcontact.clock import SYSTEM
from tap_constantcontact.commands.doctor import access
from tap_constantcontact.commands.doctor.findings import DoctorReport
from tap_constantcontact.exceptions import ConfigValidationError
from tap_constantcontact.limits.stores import store_for
from tap_constantcontact.sandbox.server import Sandbox
from tests.parameters import partly_slow
from tests.processes import Command, run_tap
from tests.runs import config_for
from tests.servers import LOOPBACK, free_port

pytestmark = pytest.mark.contacts(12, young=True)

SCHEMES = ("redis", "rediss", "postgresql", "postgres")
CLOSED = f"{LOOPBACK}:{free_port(LOOPBACK)}"
DOCTOR = "tap_constantcontact.commands.doctor"

parts = st.text(st.sampled_from("aé%/?#@:[]\\=&;, \n\0\ud800.1") | st.characters(), max_size=8)
passwords = st.text(
    st.sampled_from("SECRTPW") | st.sampled_from("%/?#@:[]\\=&;, \n\0é"), min_size=4, max_size=10
).filter(lambda text: any(map(str.isupper, text)))


def config_of(where: str) -> dict[str, Any]:
    return {
        "sandbox": False,
        "api_url": "http://localhost",
        "client_id": "key",
        "limits_store": where,
        "limits_store_required": True,
        "requests_per_second": 4,
        "daily_request_limit": 10,
    }


def said_of(where: str) -> str:
    """Return what is said of a store: one line, without a traceback and what leads to one."""
    report = DoctorReport(lambda _: None)
    try:
        access.limits_store(report, config_of(where))
    except ConfigValidationError as error:
        (fault,) = error.errors
        assert fault.startswith("limits_store: ")
        return str(fault)
    (finding,) = report.findings
    return f"{finding.text} {finding.advice}"


@given(
    scheme=st.sampled_from(SCHEMES),
    password=passwords,
    user=parts,
    host=st.sampled_from([CLOSED, "[::1]:1", "", "a..b", "[::::]", f"{LOOPBACK}:99999"]) | parts,
    rest=parts | st.sampled_from(["/0?foo=x", "/d?sslmode=x", "?db=x", "/0?ssl_ca_certs=x"]),
)
@example("redis", "S3CR/ETPW", "u", "h", "")
@example("redis", "1234/ETPW", "u", "h", "")
@example("postgresql", "S3CR%ETPW", "u", "h", "/d")
@example("redis", "SECRET", "u", CLOSED, "/0?foo=x")
@example("rediss", "SECRET", "u", CLOSED, "?ssl_cert_reqs=x")
@example("postgres", "SECRET", "u", "a..b", "/d")
def test_no_part_of_a_password_is_shown(
    scheme: str, password: str, user: str, host: str, rest: str
) -> None:
    url = f"{scheme}://{user}:{password}@{host}{rest}"
    try:
        store_for(config_of(url), SYSTEM)
    except ConfigValidationError:
        pass
    else:
        if host != CLOSED:  # no name of a host is looked up here
            return
    said = said_of(url)
    assert said.isprintable()
    for at in range(len(password) - 3):
        assert password[at : at + 4] not in said


@pytest.mark.parametrize("scheme", SCHEMES)
@given(password=passwords)
def test_a_password_that_is_percent_encoded_is_taken(scheme: str, password: str) -> None:
    encoded = quote(password.replace("\0", "0"), safe="")
    assert "Error" in said_of(f"{scheme}://user:{encoded}@{CLOSED}/0")


@pytest.mark.parametrize(
    "where",
    [
        "redis:/u:SECRET@h",
        "redis:u:SECRET@h",
        "REDIS://u:SECRET@h",
        "mysql://u:SECRET@h",
        "//u:SECRET@h",
        "u:SECRET@h:6379",
        "host=h password=SECRET",
        "redis//u:SECRET@h",
        "limits\0.sqlite",
        "/srv/limits\n.sqlite",
        "/srv/\ud800",
    ],
)
def test_a_store_address_of_no_known_form_is_not_shown(where: str) -> None:
    said = said_of(where)
    assert "it is neither a file nor a URL that begins with redis://" in said
    assert "SECRET" not in said


@pytest.mark.parametrize("where", ["~", "limits.sqlite", "~/a:b", "/srv/me@corp/limits.sqlite"])
def test_the_name_of_a_file_is_taken(where: str) -> None:
    assert str(Path(where).expanduser()) in str(store_for(config_of(where), SYSTEM))


@pytest.mark.parametrize(
    "where",
    [
        "redis://h/0?foo=x",
        "redis://h?redis_connect_func=x",
        "redis://h?ssl_ca_certs=x",
        "redis://h?protocol=x",
        "rediss://h?ssl_cert_reqs=x",
        "postgresql://h/d?foo=x",
    ],
)
def test_an_option_that_is_not_known_is_refused(where: str) -> None:
    assert "limits_store: it " in said_of(where)


@pytest.mark.parametrize(
    "where",
    [
        "rediss://h/0?ssl_ca_certs=/etc/ca.pem&ssl_cert_reqs=none&client_name=tap",
        "redis://:p%40ss@[::1]:6379/1?health_check_interval=10&protocol=3",
        "postgresql://u@h1:5432,h2/d?target_session_attrs=read-write&sslrootcert=/etc/ca.pem",
        "postgresql://%2Fvar%2Frun%2Fpostgresql/d",
        "postgresql:///d?host=/var/run/postgresql",
    ],
)
def test_an_address_with_known_options_is_taken(where: str) -> None:
    store_for(config_of(where), SYSTEM)


@pytest.mark.slow
@pytest.mark.parametrize(
    "url", partly_slow(["redis://u:S3CR/ETPW@h"], ["postgresql://u:S3CR%ETPW@h/d"])
)
def test_a_process_shows_no_part_of_a_password_at_any_level(
    sandbox: Sandbox, tmp_path: Path, url: str
) -> None:
    for where in (url, f"{url.partition('://')[0]}://u:S3CRETPW@{CLOSED}"):
        config = config_for(sandbox, tmp_path, limits_store=where)
        tap = run_tap(tmp_path, config=config, LOGLEVEL="DEBUG")
        doctor = Command(DOCTOR, "--config=config.json", "--json", folder=tmp_path).run()
        for ended in (tap, doctor):
            assert ended.returncode == 1
            said = ended.stdout + ended.stderr
            assert "Traceback" not in said
            assert "limits_store" in said
            for part in ("S3CR", "ETPW"):
                assert part not in said
        assert json.loads(doctor.stdout)["well"] is False
