"""How wide the gap is in which a kill costs a rotating token.

Run by hand, with the extra `test` installed:

    python -m tests.benchmarks.refresh

A process renews its token and is killed at a random instant around it, again and again. What must
hold: a token is lost only if the kill fell between the server's spending it and the file's being
replaced, and the file is whole every time.
"""

from __future__ import annotations

import json
import random
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import click

from tap_constantcontact.auth.token_file import TokenFile
from tap_constantcontact.sandbox.account import Account
from tap_constantcontact.sandbox.oauth import Authorization
from tap_constantcontact.sandbox.server import Sandbox

RENEWAL = """
import json, sys, time
from tap_constantcontact.auth.authenticator import authenticator

bearer = authenticator(json.loads(sys.stdin.readline()))
bearer.renew(None)
print("ready", flush=True)
for _ in sys.stdin:
    bearer.renew(bearer.tokens.access_token)
    print(time.time(), flush=True)
"""


class Watched(Authorization):
    """An authorization server that notes when it replaces a token."""

    replaced_at = 0.0

    def grant(self, scope: str, refresh_token: str | None = None, account: str = "") -> str:
        self.replaced_at = time.time()
        return super().grant(scope, refresh_token, account)


class Renewing:
    """A process that renews its token whenever it is told to."""

    def __init__(self, config: dict[str, Any]) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", RENEWAL],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.tell(json.dumps(config))
        self.answer()

    def tell(self, line: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(f"{line}\n")
        self.process.stdin.flush()

    def answer(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline()

    def kill(self) -> None:
        self.process.kill()
        self.process.communicate()


@click.command()
@click.option("--renewals", default=200)
@click.option("--kills", default=100)
def main(renewals: int, kills: int) -> None:
    """Measure the gap, then kill at random instants of a renewal."""
    authorization = Watched()
    with (
        Sandbox(Account(size=1), authorization=authorization) as sandbox,
        tempfile.TemporaryDirectory() as folder,
    ):
        path = Path(folder) / "tokens.json"
        config = {
            "client_id": "sandbox",
            "client_secret": "sandbox-secret",
            "refresh_token": authorization.refresh_token,
            "token_file": str(path),
            "auth_url": sandbox.auth_url,
            "request_timeout": 60,
        }
        renewing = Renewing(config)
        gaps, whole = [], []
        for _ in range(renewals):
            began = time.time()
            renewing.tell("again")
            ended = float(renewing.answer())
            gaps.append(ended - authorization.replaced_at)
            whole.append(ended - began)
        renewing.kill()
        gap, renewal = statistics.median(gaps), statistics.median(whole)
        click.echo(f"a renewal, median of {renewals}: {renewal * 1000:.1f} ms")
        click.echo(f"of which after the server replaced the token: {gap * 1000:.1f} ms")

        lost = 0
        for _ in range(kills):
            config["refresh_token"] = authorization.grant("contact_data")
            renewing = Renewing(config)
            renewing.tell("again")
            time.sleep(random.uniform(0, 2 * renewal))
            renewing.kill()
            tokens = TokenFile(path).read()
            assert tokens is not None, "the file is gone"
            lost += tokens.refresh_token not in authorization.grants
        click.echo(f"tokens lost in {kills} kills, in twice the time of a renewal: {lost}")


if __name__ == "__main__":
    main()
