"""The `tap-constantcontact` command, which reports every failure as one plain line."""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NamedTuple, cast

import click
from singer_sdk import Tap
from singer_sdk.tap_base import CliTestOptionValue
from typing_extensions import override

from tap_constantcontact.auth.permissions import (
    RIGHTS_REMEDY,
    ask_privileges,
    forbidden_streams,
    forbids,
    permissions,
    permissions_table,
)
from tap_constantcontact.client import ConstantContactStream
from tap_constantcontact.commands import estimate
from tap_constantcontact.config.json_files import ENVIRONMENT, configuration, json_object
from tap_constantcontact.exceptions import FatalAPIError, exits_with_a_message
from tap_constantcontact.output.singer import PlainSingerCommand
from tap_constantcontact.streams.permissions import needs_of
from tap_constantcontact.tap import TapConstantContact


class Sources(NamedTuple):
    """The settings on the command line, with the names that the SDK expects of its parts.

    Attributes:
        config: The settings in all files; a later file wins over an earlier one.
        parse_env: Whether to read the environment as well.
    """

    config: dict[str, Any]
    parse_env: bool


NO_SETTINGS = Sources({}, parse_env=False)


class Command(TapConstantContact):
    """The tap as a command."""

    @classmethod
    @override
    def get_singer_command(cls) -> click.Command:
        command = super().get_singer_command()
        for option in command.params:
            # --test is a callback, which finds the values of eager options alone.
            option.is_eager = option.is_eager or option.name == "catalog"
            if option.name in ("catalog", "state"):
                option.type = click.STRING  # json_object opens the file
        costs = click.Option(
            ["--estimate", "estimate_form"],
            type=click.Choice([*estimate.FORMS]),
            is_flag=False,
            flag_value="text",
            help="Print what a run would cost, as text or json, and exit.",
        )
        return PlainSingerCommand(
            name=command.name,
            callback=command.callback,
            params=[*command.params, costs],
            help=command.help,
            context_settings=command.context_settings,
            logger=cls.logger,
        )

    @classmethod
    @override
    def invoke(
        cls,
        *,
        estimate_form: str | None = None,
        config: Any = NO_SETTINGS,
        state: Any = None,
        catalog: Any = None,
        **about: Any,
    ) -> None:
        gc.freeze()  # 13 % less processor time: no search for garbage in the modules
        # Here as well, as the SDK would log each fault of the settings as a line of its own.
        with exits_with_a_message(cls.logger.error):
            super(Tap, cls).invoke(**about)
            cls.logger.info(
                "%s %s, with singer-sdk %s, begins.", cls.name, cls.plugin_version, cls.sdk_version
            )
            tap = cls(
                config=config.config,
                parse_env_config=config.parse_env,
                state=_content(state, "state"),
                catalog=_content(catalog, "catalog"),
            )
            with tap.tokens_kept():
                if estimate_form:
                    click.echo(estimate.FORMS[estimate_form](estimate.estimated(tap)))
                else:
                    tap.read()

    @classmethod
    @override
    def cb_test(cls, ctx: click.Context, param: click.Option, value: str) -> None:
        """Report which selected streams the token may read, and read a sample of those."""
        if value != CliTestOptionValue.All.value:
            super().cb_test(ctx, param, value)
            return
        config = ctx.params["config"]
        tap = cls(
            config=config.config,
            parse_env_config=config.parse_env,
            catalog=_content(ctx.params.get("catalog"), "catalog"),
        )
        with tap.tokens_kept():
            tap.test_selected()
        ctx.exit()

    def read(self) -> None:
        """Read the selected streams of the account."""
        try:
            self.check_account()
            self.sync_all()
        finally:
            self.run.progress.summarize()

    @contextmanager
    def tokens_kept(self) -> Iterator[None]:
        """Use the token within this context, at whose end new tokens are written at the latest.

        Raises:
            SystemExit: With exit code 1, after one plain line, if they cannot be written: the next
                run needs a new sign-in.
        """
        lost = None
        try:
            yield
        finally:
            if "connection" in vars(self.run):  # a discovery may need none
                lost = self.run.connection.authenticator.finish()
            if lost:
                self.logger.error("%s", lost)
        if lost:
            sys.exit(1)

    @override
    def run_discovery(self) -> str:
        with self.tokens_kept():
            return super().run_discovery()

    def test_selected(self) -> None:
        """Report which selected streams the token may read, and read a sample of those.

        Raises:
            FatalAPIError: A stream is not allowed, and forbidden streams are not skipped; or none
                is allowed.
        """
        selected = {name: stream for name, stream in self.streams.items() if stream.selected}
        needs = needs_of(cast("Mapping[str, ConstantContactStream]", selected).values())
        connection = self.run.connection
        privileges = ask_privileges(
            connection.session, connection.api_url, self.config["request_timeout"]
        )
        found = permissions(needs, connection.authenticator.scopes, privileges)
        click.echo(permissions_table(found), err=True)
        forbidden = forbidden_streams(found)
        allowed = [stream for name, stream in selected.items() if name not in forbidden]
        self.run_sync_dry_run(dry_run_record_limit=1, streams=allowed)
        if forbidden and not (allowed and self.config["skip_forbidden_streams"]):
            raise FatalAPIError(f"{forbids(forbidden)} {RIGHTS_REMEDY}")

    @classmethod
    @override
    def cb_discover(cls, ctx: click.Context, param: click.Option, value: bool) -> None:
        """Print the catalog; the SDK's own would log each fault as a line of its own."""
        if not value:
            return
        config = ctx.params["config"]
        cls(
            config=config.config,
            parse_env_config=config.parse_env,
            validate_config=False,
            setup_mapper=False,
        ).run_discovery()
        ctx.exit()

    @classmethod
    @override
    def cb_config(cls, ctx: click.Context, param: click.Option, value: tuple[str, ...]) -> Any:
        return Sources(configuration(value), ENVIRONMENT in value)


def _content(file: str | None, kind: str) -> dict[str, Any] | None:
    return None if file is None else json_object(file, kind)


main = Command.cli
