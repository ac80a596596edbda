"""Run the sandbox by itself, for any client."""

from __future__ import annotations

import json
import math
import signal
import threading
from pathlib import Path

import click

from tap_constantcontact.sandbox.account import FIRST_CONTACTS, Account
from tap_constantcontact.sandbox.limits import Limits
from tap_constantcontact.sandbox.oauth import Authorization
from tap_constantcontact.sandbox.server import Sandbox


@click.command("python -m tap_constantcontact.sandbox")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--port", default=8080, show_default=True, help="Port to listen on; 0 for a free one."
)
@click.option("--seed", default=1, show_default=True, help="Seed of the first account's data.")
@click.option("--contacts", default=FIRST_CONTACTS, show_default=True, help="Initial contacts.")
@click.option("--accounts", default=1, show_default=True, help="Accounts of the key, see --write.")
@click.option(
    "--write",
    type=click.Path(dir_okay=False, path_type=Path),
    help="File to write the accounts to, each with its name and a configuration of the tap.",
)
@click.option("--partner", is_flag=True, help="A technology partner's key, which lists accounts.")
@click.option("--per-second", type=float, default=math.inf, help="Requests a second; unlimited.")
@click.option("--per-day", type=float, default=math.inf, help="Requests a day; unlimited.")
@click.option("--public", is_flag=True, help="A PKCE or device application, without a secret.")
@click.option("--long-lived", is_flag=True, help="Refresh tokens that do not rotate.")
def main(  # noqa: PLR0913 - the options of a command
    *,
    host: str,
    port: int,
    seed: int,
    contacts: int,
    accounts: int,
    write: Path | None,
    partner: bool,
    per_second: float,
    per_day: float,
    public: bool,
    long_lived: bool,
) -> None:
    """Serve Constant Contact accounts whose data is generated from a seed."""
    authorization = Authorization(rotating=not long_lived)
    if public:
        authorization.client_secret = None
    sandbox = Sandbox(
        Account(seed, contacts),
        others=[Account(seed + number, contacts) for number in range(1, accounts)],
        authorization=authorization,
        limits=Limits(per_second, per_day),
    )
    sandbox.api.partner = partner
    sandbox.start(host, port)
    click.echo(f"api_url        {sandbox.api_url}")
    click.echo(f"auth_url       {sandbox.auth_url}")
    click.echo(f"client_id      {authorization.client_id}")
    if authorization.client_secret:
        click.echo(f"client_secret  {authorization.client_secret}")
    click.echo(f"refresh_token  {authorization.refresh_token}")
    if write:
        write.write_text(json.dumps(sandbox.configurations(), indent=2), "utf-8")
        click.echo(f"accounts       {write}")
    stopped = threading.Event()
    for signum in (signal.SIGINT, signal.SIGTERM):
        signal.signal(signum, lambda *_: stopped.set())
    while not stopped.wait(1):  # Windows handles Ctrl-C between two waits alone
        pass
    sandbox.stop()


if __name__ == "__main__":
    main()
