"""The `tap-constantcontact` command, which reports every failure as one plain line."""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
from singer_sdk import Tap
from singer_sdk.singerlib import StateMessage
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
from tap_constantcontact.commands import estimate
from tap_constantcontact.commands.about import FOR_PEOPLE
from tap_constantcontact.commands.options import (
    ABOUT_FORMATS,
    EPILOG,
    HELP,
    OPTIONS,
    OWN_NAMES,
    TapCommand,
)
from tap_constantcontact.config.json_files import ENVIRONMENT, configuration, json_object
from tap_constantcontact.exceptions import FatalAPIError, exits_with_a_message, refused
from tap_constantcontact.output.files.destination import STATE, Destination
from tap_constantcontact.output.singer import WholeLineWriter
from tap_constantcontact.streams.permissions import needs_of
from tap_constantcontact.tap import TapConstantContact


class Command(TapConstantContact):
    """A Singer tap for Constant Contact: contacts, lists and e-mail activity from the v3 API."""

    @classmethod
    @override
    def get_singer_command(cls) -> click.Command:
        command = super().get_singer_command()
        kept = [option for option in command.params if option.name not in OWN_NAMES]
        for option in kept:
            # --test is a callback, which finds the values of eager options alone.
            option.is_eager = option.is_eager or option.name == "catalog"
            if option.name in ("catalog", "state"):
                option.type = click.STRING  # json_object opens the file
        return TapCommand(
            name=command.name,
            callback=command.callback,
            params=[*kept, *OPTIONS],
            help=HELP,
            epilog=EPILOG,
            context_settings={"help_option_names": ["-h", "--help"]},
            logger=cls.logger,
        )

    @classmethod
    @override
    def invoke(
        cls,
        *,
        about: bool = False,
        about_format: str | None = None,
        config: Any = None,
        state: Any = None,
        catalog: Any = None,
        estimate_form: str | None = None,
        limit: int | None = None,
        to: Path | None = None,
        **options: Any,
    ) -> None:
        gc.freeze()  # 13 % less processor time: no search for garbage in the modules
        # Here as well, as the SDK would log each fault of the settings as a line of its own.
        with exits_with_a_message(cls.logger.error):
            if about_format and not (about if about_format in ABOUT_FORMATS else to):
                needed = "--about" if about_format in ABOUT_FORMATS else "--to"
                raise refused(f"--format {about_format} needs {needed}")
            super(Tap, cls).invoke(about=about, about_format=about_format or FOR_PEOPLE)
            cls.logger.info(
                "%s %s, with singer-sdk %s, begins.", cls.name, cls.plugin_version, cls.sdk_version
            )
            files = Destination(to, about_format, cls.logger.info) if to else None
            if files and files.previous and (state or limit):
                other = "--state" if state else "--limit"
                raise refused(
                    f"{to}, which has a {STATE}, contradicts {other}: give one of the two"
                )
            tap = cls(
                **_settings(config, options),
                state=(files and files.previous) or _content(state, "state"),
                catalog=_content(catalog, "catalog"),
                limit=limit,
                message_writer=WholeLineWriter(files, (StateMessage,) if limit else ()),
            )
            with tap.tokens_kept():
                if estimate_form:
                    click.echo(estimate.FORMS[estimate_form](estimate.estimated(tap)))
                elif files:
                    tap.write(files)
                else:
                    tap.read()

    @classmethod
    @override
    def cb_test(cls, ctx: click.Context, param: click.Option, value: str) -> None:
        """Test the selected streams; with `schema`, write the schemas of all streams instead."""
        if value == CliTestOptionValue.Disabled.value:
            return
        tap = cls(
            **_settings(ctx.params["config"], ctx.params),
            catalog=_content(ctx.params.get("catalog"), "catalog"),
        )
        with tap.tokens_kept():
            if value == CliTestOptionValue.Schema.value:
                for stream in tap.streams.values():
                    stream.selected = True
                tap.setup_mapper()
                tap.write_schemas()
            else:
                tap.test_selected()
        ctx.exit()

    def write(self, files: Destination) -> None:
        """Read the selected streams of the account into files.

        Raises:
            ConfigValidationError: Several streams would go into one file, or into batch files.
        """
        names = [stream.name for stream in self.selected_streams]
        if self.config.get("batch_config"):
            raise refused("batch_config contradicts --to: leave one of them out")
        if files.is_file and len(names) > 1:
            raise refused(
                f"{files.path} is one file, and {len(names)} streams are selected: name a folder, "
                f"or select one, as in --select {names[0]}"
            )
        try:
            self.read()
            self.write_state()
        finally:
            files.close()

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
        selected = self.selected_streams
        connection = self.run.connection
        privileges = ask_privileges(
            connection.session, connection.api_url, self.config["request_timeout"]
        )
        found = permissions(needs_of(selected), connection.authenticator.scopes, privileges)
        click.echo(permissions_table(found), err=True)
        forbidden = forbidden_streams(found)
        allowed = [stream for stream in selected if stream.name not in forbidden]
        self.run_sync_dry_run(dry_run_record_limit=1, streams=allowed)
        if forbidden and not (allowed and self.config["skip_forbidden_streams"]):
            raise FatalAPIError(f"{forbids(forbidden)} {RIGHTS_REMEDY}")

    @classmethod
    @override
    def cb_discover(cls, ctx: click.Context, param: click.Option, value: bool) -> None:
        """Print the catalog; the SDK's own would log each fault as a line of its own."""
        if not value:
            return
        cls(
            **_settings(ctx.params["config"], ctx.params),
            validate_config=False,
            setup_mapper=False,
        ).run_discovery()
        ctx.exit()

    @classmethod
    @override
    def cb_config(cls, ctx: click.Context, param: click.Option, value: tuple[str, ...]) -> Any:
        return {"config": configuration(value), "parse_env_config": ENVIRONMENT in value}


def _content(file: str | None, kind: str) -> dict[str, Any] | None:
    return None if file is None else json_object(file, kind)


def _settings(given: Mapping[str, Any], options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments of a tap that `--config` gives, with the settings that options are."""
    config = {**given["config"]}
    if select := options.get("select"):
        config["streams"] = select
    if options.get("sandbox"):
        config["sandbox"] = True
    return {**given, "config": config}


main = Command.cli
