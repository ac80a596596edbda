"""The tap: its settings, its streams and the order they run in."""

from __future__ import annotations

import json
import signal
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from types import FrameType
from typing import IO, Any, ClassVar, NoReturn, cast

import click
import pendulum
import requests
from pendulum import DateTime
from singer_sdk import Stream, Tap, metrics
from singer_sdk.exceptions import (
    ConfigValidationError,
    FatalAPIError,
    MapExpressionError,
    RetriableAPIError,
    StreamMapConfigError,
)

from tap_constantcontact import estimate, maps, settings
from tap_constantcontact.account import Account, ask
from tap_constantcontact.auth import RefreshTokenAuthenticator
from tap_constantcontact.client import ConstantContactStream
from tap_constantcontact.connection import Connection
from tap_constantcontact.limits import LimitReachedError
from tap_constantcontact.output import PlainSingerCommand, WholeLineWriter
from tap_constantcontact.progress import Progress
from tap_constantcontact.roster import Roster
from tap_constantcontact.state import ACCOUNT, sound, written_for
from tap_constantcontact.streams import STREAMS
from tap_constantcontact.streams.contacts import RosterStream

PER_REQUEST = ("http_request_count", "http_request_duration")
"""Metrics that would fill the log with a line or two for each contact."""


class TapConstantContact(Tap):
    """Singer tap for Constant Contact: contacts, lists and e-mail activity from the v3 API."""

    name = "tap-constantcontact"
    config_jsonschema: ClassVar[dict[str, Any]] = settings.SETTINGS
    message_writer: WholeLineWriter
    message_writer_class = WholeLineWriter

    def __init__(
        self,
        *,
        config: Mapping[str, Any] | None = None,
        parse_env_config: bool = False,
        validate_config: bool = True,
        **kwargs: Any,
    ) -> None:
        self.append_builtin_config(self.config_jsonschema)
        given = dict(config or {})
        if parse_env_config:
            found = settings.from_environment(self.config_jsonschema["properties"])
            self.logger.info("Read from the environment: %s", ", ".join(found) or "nothing")
            given |= found
        given = settings.typed(given, self.config_jsonschema)
        if not settings.batches(given):
            given.pop("batch_config", None)
        super().__init__(config=given, validate_config=validate_config, **kwargs)
        self.metrics_logger.addFilter(metrics.MetricExclusionFilter(metrics=PER_REQUEST))
        if validate_config:
            settings.check(self.config)
            self.connection  # noqa: B018 - a token file that cannot be written fails here
            self.message_writer.last_words = self.write_state

    @classmethod
    def append_builtin_config(cls, config_jsonschema: dict[str, Any]) -> None:
        """Add the SDK's own settings to the schema of the tap's.

        One choice for `__else__` is no schema at all in singer-sdk 0.54 and 0.55; a validator that
        comes to it ends in an error of its own.
        """
        super().append_builtin_config(config_jsonschema)
        option = config_jsonschema["properties"]["stream_maps"]["properties"]["__else__"]
        option["anyOf"] = [choice for choice in option["anyOf"] if isinstance(choice, dict)]

    @property
    def began(self) -> DateTime:
        """The instant at which the run began, which "days back" counts from."""
        return pendulum.from_timestamp(self.initialized_at / 1000)

    @property
    def user_agent(self) -> str:
        """How the tap names itself to the API."""
        return self.config.get("user_agent") or f"{self.name}/{self.plugin_version}"

    @cached_property
    def connection(self) -> Connection:
        """What all streams share: the address, the token, the sockets."""
        config = {**self.config, "user_agent": self.user_agent}
        if config["sandbox"]:
            from tap_constantcontact.sandbox import credentials  # noqa: PLC0415 - an extra

            config |= credentials()
        config |= {name: config[name].rstrip("/") for name in ("api_url", "auth_url")}
        return Connection(config)

    @cached_property
    def progress(self) -> Progress:
        """What tells how far the run is."""
        return Progress(self.connection.quota, self.logger)

    def load_state(self, state: dict[str, Any]) -> None:
        """Take over what can be relied upon of a state, and say what cannot.

        Raises:
            ConfigValidationError: It is no Singer state.
        """

        def warn(stream: str, key: str, consequence: str) -> None:
            self.logger.warning(
                "The state's %s of %s is damaged or of another version: %s",
                key,
                stream,
                consequence,
            )

        super().load_state(sound(state, [stream.name for stream in STREAMS], warn))
        if fingerprint := written_for(state):
            self._note_account(fingerprint)

    def _note_account(self, fingerprint: str) -> None:
        cast("dict[str, Any]", self.state)[ACCOUNT] = fingerprint

    def write_state(self) -> None:
        """Emit the state as it is, unless records wait in a batch that is not out yet."""
        if not self.config.get("batch_config"):
            self.state_writer.write_state(self.state)

    # The account

    def check_account(self) -> None:
        """Log whose account is read, where the token tells, and note it in the state.

        Raises:
            FatalAPIError: The state was written for another account.
        """
        bearer = self.connection.authenticator
        if not isinstance(bearer, RefreshTokenAuthenticator):
            return
        account = bearer.account(self._ask_account)
        if account is None or not account.is_known:
            return
        self.logger.info("The account is %s", account)
        last_read = bearer.tokens.last_read
        fingerprint = written_for(self.state)
        if fingerprint not in (None, account.fingerprint):
            is_known = last_read and last_read.fingerprint == fingerprint
            raise FatalAPIError(
                "The state was written for another account, "
                f"{last_read if is_known else f'fingerprint {fingerprint}'}, than the one that is "
                f"signed in, {account}, and would make its data incomplete. Give the state or the "
                "token_file that belongs with the other, or begin a new state."
            )
        if fingerprint is None and account.differs_from(last_read):
            self.logger.warning(
                "The last run with this token_file read another account, %s", last_read
            )
        if account != last_read:
            bearer.keep(last_read=account)
        self._note_account(account.fingerprint)

    def _ask_account(self) -> Account | None:
        connection = self.connection
        timeout = self.config["request_timeout"]
        try:
            account = ask(connection.session, connection.api_url, self.user_agent, timeout)
        except LimitReachedError:
            return None
        if account is not None and not account.is_known:
            self.logger.info(
                "The account is not known, as the token lacks the scope account_read or its user "
                "the privilege account:read: a state of another account would not be noticed"
            )
        return account

    # Stream maps

    def setup_mapper(self) -> None:
        """Set the stream maps up, and see that they can be evaluated.

        Raises:
            ConfigValidationError: With one sentence for each fault.
        """
        faults: list[str] = []
        if self.config.get("stream_maps"):
            faults = [*maps.faults(self.config, self.catalog, self.logger)]
        try:
            if not faults:
                super().setup_mapper()
        except (MapExpressionError, StreamMapConfigError, NotImplementedError) as error:
            faults = [f"stream_maps: {str(error).rstrip('.')}"]
        if faults:
            raise ConfigValidationError("Config validation failed", errors=faults)
        maps.guard(self.mapper, self._fail)

    def _fail(self, reason: str, error: Exception) -> NoReturn:
        self.write_state()
        self.logger.error("%s. Nothing is lost: the next run goes on from here", reason)
        self.logger.debug("The failure in full", exc_info=error)
        raise SystemExit(1) from error

    # Streams

    def discover_streams(self) -> list[Stream]:
        """Return the four reports."""
        return [stream_type(self) for stream_type in STREAMS]

    @property
    def reports(self) -> list[ConstantContactStream]:
        """The reports in the order they run: the cheap first, the others by turns."""
        streams = super().streams
        reports = (cast("ConstantContactStream", streams[report.name]) for report in STREAMS)
        return sorted(reports, key=lambda report: report.turn)

    @property
    def streams(self) -> dict[str, Stream]:
        """The streams by name, in the order they run."""
        return {report.name: report for report in self.reports}

    @cached_property
    def roster(self) -> Roster:
        """The contacts of the contact reports."""
        return Roster(RosterStream(self))

    # The command line

    def _handle_termination(self, signum: int, frame: FrameType | None) -> None:  # noqa: ARG002
        """End between two lines, where the SDK would write a state into the middle of one."""
        self.logger.info("Ending on %s", signal.Signals(signum).name)
        self.message_writer.terminate(signum)

    @classmethod
    def get_singer_command(cls) -> click.Command:
        """Return the command, with an option of our own."""
        command = super().get_singer_command()
        option = click.Option(
            ["--estimate", "estimate_form"],
            type=click.Choice([*estimate.FORMS]),
            is_flag=False,
            flag_value="text",
            help="Say what a run would cost, as text or json, and run nothing.",
        )
        return PlainSingerCommand(
            name=command.name,
            callback=command.callback,
            params=[*command.params, option],
            help=command.help,
            context_settings=command.context_settings,
            logger=cls.logger,
        )

    @classmethod
    def invoke(
        cls,
        *,
        estimate_form: str | None = None,
        config: Any = None,
        state: IO[str] | None = None,
        catalog: IO[str] | None = None,
        **about: Any,
    ) -> None:
        """Run the tap, or estimate a run; a fault of its settings ends it with one plain line."""
        with _plain_faults():
            super(Tap, cls).invoke(**about)
            cls.print_version(print_fn=cls.logger.info)
            tap = cls(
                config=config.config if config else None,
                parse_env_config=config is not None and config.parse_env,
                state=_json_object(state),
                catalog=_json_object(catalog),
            )
            if estimate_form:
                click.echo(estimate.FORMS[estimate_form](estimate.estimate(tap)))
                return
            try:
                tap.check_account()
                tap.sync_all()
            finally:
                tap.progress.summarize()

    @classmethod
    def cb_test(cls, *args: Any, **kwargs: Any) -> None:
        """Run the tap in test mode; a fault of its settings ends it with one plain line."""
        with _plain_faults():
            super().cb_test(*args, **kwargs)

    @classmethod
    def cb_config(cls, *args: Any, **kwargs: Any) -> Any:
        """Read the configuration; a file that holds none ends the run with one plain line."""
        with _plain_faults():
            return super().cb_config(*args, **kwargs)


def _json_object(file: IO[str] | None) -> dict[str, Any] | None:
    if file is None:
        return None
    content = json.load(file)
    if not isinstance(content, dict):
        raise ConfigValidationError(
            "Config validation failed", errors=[f"{file.name!r} holds no JSON object"]
        )
    return content


@contextmanager
def _plain_faults() -> Iterator[None]:
    try:
        yield
    except ConfigValidationError as error:
        faults = "; ".join(error.errors) or str(error)
    except ValueError as error:
        # The SDK reads files with more than one JSON library, and each has an error of its own.
        if type(error).__name__ != "JSONDecodeError":
            raise
        faults = f"a file of the configuration, state or catalog holds no JSON ({error})"
    except (LimitReachedError, FatalAPIError) as error:
        TapConstantContact.logger.error("%s", error)
        sys.exit(1)
    except (RetriableAPIError, requests.RequestException) as error:
        TapConstantContact.logger.error(
            "Constant Contact did not answer for minutes (%s). Try again later",
            type(error).__name__,
        )
        sys.exit(1)
    except FileNotFoundError as error:
        faults = str(error).rstrip(".")
    else:
        return
    TapConstantContact.logger.error("The settings cannot be used: %s.", faults)
    sys.exit(1)
