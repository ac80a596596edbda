"""The tap: its settings, its streams and the order in which they run."""

from __future__ import annotations

import signal
import threading
from collections.abc import Mapping
from functools import cached_property
from types import FrameType
from typing import Any, ClassVar, NoReturn, cast

import pendulum
from pendulum import DateTime
from singer_sdk import Stream, Tap
from typing_extensions import override

from tap_constantcontact.auth.account import Account, ask
from tap_constantcontact.auth.authenticator import RefreshTokenAuthenticator
from tap_constantcontact.client import ConstantContactStream
from tap_constantcontact.clock import SYSTEM, Clock
from tap_constantcontact.config import batches, environment, settings, validation
from tap_constantcontact.config.catalog import checked
from tap_constantcontact.config.choice import choose
from tap_constantcontact.config.stream_maps.maps import StreamMaps, guard
from tap_constantcontact.exceptions import (
    FatalAPIError,
    ForbiddenError,
    LimitReachedError,
    end_run,
    refused,
)
from tap_constantcontact.output.log import is_of_more_than_a_request
from tap_constantcontact.output.singer import WholeLineWriter
from tap_constantcontact.output.system import HANGUPS
from tap_constantcontact.reading.nested import RowsWithin
from tap_constantcontact.run import Run
from tap_constantcontact.state.bookmarks import ACCOUNT, written_for
from tap_constantcontact.state.loading import unwrapped, validated
from tap_constantcontact.streams import DECLARED, FROM_CAMPAIGNS, STREAMS
from tap_constantcontact.streams.contacts import ContactsStream, custom_fields


class TapConstantContact(Tap):
    """The tap as the SDK knows it."""

    name = "tap-constantcontact"
    config_jsonschema: ClassVar[dict[str, Any]] = settings.SETTINGS
    message_writer: WholeLineWriter
    message_writer_class = WholeLineWriter

    def __init__(  # noqa: PLR0913 - most are the SDK's
        self,
        *,
        config: Mapping[str, Any] | None = None,
        parse_env_config: bool = False,
        validate_config: bool = True,
        setup_mapper: bool = True,
        clock: Clock = SYSTEM,
        limit: int | None = None,
        **kwargs: Any,
    ) -> None:
        self.clock = clock
        self.limit = limit
        given = self._gathered(config or {}, with_environment=parse_env_config)
        if (catalog := kwargs.get("catalog")) is not None:
            kwargs["catalog"] = checked(catalog, DECLARED, self.logger.warning)
        super().__init__(
            config=given, validate_config=validate_config, setup_mapper=False, **kwargs
        )
        self._end_on_hangup()
        self.metrics_logger.addFilter(is_of_more_than_a_request)
        if validate_config:
            validation.check(self.config)
            if not self.config["sandbox"]:
                for warning in validation.warnings(self.config):
                    self.logger.warning("%s", warning)
                self.run.connection  # noqa: B018 - a token file that cannot be written fails here
            self.message_writer.last_words = self.write_state
        if (patterns := self.config.get("streams")) is not None:
            choose(patterns, self.streams, self.input_catalog, self.logger)
        if setup_mapper:
            self.setup_mapper()
        if validate_config:
            self.check_selection()

    def check_selection(self) -> None:
        """Refuse settings that contradict what is selected.

        Raises:
            ConfigValidationError: With one sentence for each contradiction.
        """
        selected = self.selected_streams
        within = [stream for stream in selected if isinstance(stream, RowsWithin)]
        validation.check_selection(
            self.config,
            {one.name: one.part for one in within if one.part in settings.SUB_RESOURCES},
            {stream.name: (stream.schema, stream.mask) for stream in selected},
        )

    def _gathered(self, config: Mapping[str, Any], *, with_environment: bool) -> dict[str, Any]:
        """Return the known settings, and log what is passed over and where they come from.

        Raises:
            ConfigValidationError: A setting is not known, or has a value of the wrong type.
        """
        gathered = environment.gathered(config, with_environment=with_environment)
        for note in gathered.notes:
            self.logger.info("%s.", note)
        for warning in gathered.warnings:
            self.logger.warning("%s.", warning)
        given = gathered.settings
        if faults := [*gathered.faults, *validation.type_faults(given)]:
            raise refused(*faults)
        given.setdefault("user_agent", f"{self.name}/{self.plugin_version}")
        if batches.is_of_defaults(given.get("batch_config")):
            given.pop("batch_config", None)
        return given

    @property
    def _began(self) -> DateTime:
        return pendulum.from_timestamp(self.initialized_at // 1000)

    @cached_property
    def run(self) -> Run:
        """The object that the streams share."""
        return Run(
            tap=self,
            config=self.config,
            state=cast("dict[str, Any]", self.state),
            began=self._began,
            clock=self.clock,
            limit=self.limit,
            writer=self.message_writer,
            write_state=self.write_state,
            logger=self.logger,
        )

    # The state

    @override
    def load_state(self, state: dict[str, Any]) -> None:
        """Load the valid parts of a state, and warn about each part that is dropped.

        Raises:
            ConfigValidationError: It is not a Singer state.
        """

        def warn(what: str, consequence: str) -> None:
            self.logger.warning("The state's %s: %s", what, consequence)

        streams = (*STREAMS, *FROM_CAMPAIGNS.values())
        names = [stream.bookmark_name or stream.name for stream in streams]
        given = unwrapped(state)
        super().load_state(validated(given, names, self._began, warn))
        if fingerprint := written_for(given):
            self._note_account(fingerprint)

    def _note_account(self, fingerprint: str) -> None:
        cast("dict[str, Any]", self.state)[ACCOUNT] = fingerprint

    def write_state(self) -> None:
        """Emit the current state, unless records are written in batches.

        The state would then claim records whose batch file is not written yet.
        """
        if not self.config.get("batch_config"):
            self.state_writer.write_state(self.state)

    # The account

    def check_account(self) -> None:
        """Log the account that the token belongs to, if known, and note it in the state.

        Raises:
            FatalAPIError: The state was written for another account.
        """
        bearer = self.run.connection.authenticator
        if self.config["sandbox"]:
            self.logger.info("The account is that of the built-in sandbox.")
        if not isinstance(bearer, RefreshTokenAuthenticator):
            return
        account = bearer.account(self._ask_account)
        if account is None or not account.is_known:
            return
        self.logger.info("The account is %s.", account)
        last_read = bearer.tokens.last_read
        fingerprint = written_for(self.state)
        if fingerprint not in (None, account.fingerprint):
            is_known = last_read and last_read.fingerprint == fingerprint
            raise FatalAPIError(
                "The state was written for another account, "
                f"{last_read if is_known else f'fingerprint {fingerprint}'}, but the tap is signed "
                f"in to {account}: with this state, its data would be incomplete. Give the state "
                "or the token_file that belongs with the other, or start with a new state."
            )
        if fingerprint is None and account.differs_from(last_read):
            self.logger.warning(
                "The last run with this token_file read another account, %s", last_read
            )
        if account != last_read:
            bearer.keep(last_read=account)
        self._note_account(account.fingerprint)

    def _ask_account(self) -> Account | None:
        connection = self.run.connection
        try:
            account = ask(connection.session, connection.api_url, self.config["request_timeout"])
        except LimitReachedError:
            return None
        if account is not None and not account.is_known:
            self.logger.info(
                "The account is not known, because the token lacks the scope account_read or its "
                "user lacks the privilege account:read: a state from another account would go "
                "unnoticed."
            )
        return account

    @override
    def setup_mapper(self) -> None:
        """Set up the stream maps, and check that they can be evaluated.

        Raises:
            ConfigValidationError: With one sentence for each fault.
        """
        maps = StreamMaps(self.config, self.streams.values(), self.input_catalog, self.logger)
        maps.check()
        super(Tap, self).setup_mapper()  # a Tap's own would register deselected streams as well
        maps.register(self.mapper)
        guard(self.mapper, self._fail)

    def _fail(self, reason: str, error: Exception) -> NoReturn:
        self.write_state()
        end_run(f"{reason}. Nothing is lost: the next run resumes from here", error)

    # Streams

    @property
    def selected_streams(self) -> list[ConstantContactStream]:
        """The selected streams, in the order in which they run."""
        return [stream for stream in self.streams.values() if stream.selected]

    @override
    def discover_streams(self) -> list[Stream]:
        of_source = FROM_CAMPAIGNS if self.config["report_source"] == "campaigns" else {}
        streams = [self.run.once(of_source.get(stream, stream)) for stream in STREAMS]
        if self.config["custom_fields_by_name"] and self.input_catalog is None:
            self._name_custom_fields()
        return [*streams]

    def _name_custom_fields(self) -> None:
        """Give contacts their custom fields by name.

        Raises:
            ConfigValidationError: The settings cannot be used, so that no request is sent.
            ForbiddenError: The fields may not be read, and forbidden streams are not skipped.
        """
        validation.check(self.config)
        try:
            self.run.once(ContactsStream).discover(self.run.once(custom_fields))
        except ForbiddenError as error:
            if not self.config["skip_forbidden_streams"]:
                raise
            self.logger.warning("Leaving out custom_fields_by_name: %s", error)

    @property
    @override
    def streams(self) -> dict[str, ConstantContactStream]:  # type: ignore[override]
        found = super().streams
        streams = [cast("ConstantContactStream", found[stream.name]) for stream in STREAMS]
        return {stream.name: stream for stream in sorted(streams, key=lambda one: one.order())}

    @override  # type: ignore[misc]
    def sync_all(self) -> None:
        """Read all selected streams.

        Raises:
            SystemExit: With exit code 1, after one plain line, if a stream failed or all are
                forbidden.
        """
        super().sync_all()
        self.run.check_access()

    @override  # type: ignore[misc]
    def run_connection_test(self) -> bool:
        """Read a record of each selected stream; the SDK's own test reads all streams."""
        return self.run_sync_dry_run(dry_run_record_limit=1, streams=self.selected_streams)

    def _end_on_hangup(self) -> None:
        """Let a hangup end the run as SIGTERM does, unless it is ignored, as nohup has it."""
        if threading.current_thread() is threading.main_thread():
            for hangup in HANGUPS:
                if signal.getsignal(hangup) != signal.SIG_IGN:
                    signal.signal(hangup, self._handle_termination)

    @override
    def _handle_termination(self, signum: int, frame: FrameType | None) -> None:
        """End the run between two lines; the SDK could write a state into the middle of one."""
        self.logger.info("Ending on %s.", signal.Signals(signum).name)
        self.message_writer.terminate(signum)
