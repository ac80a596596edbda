"""The tap: its settings, its streams and the order they run in."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from types import FrameType
from typing import Any, ClassVar

import pendulum
from pendulum import DateTime
from singer_sdk import Stream, Tap, metrics
from singer_sdk.exceptions import ConfigValidationError

from tap_constantcontact import settings
from tap_constantcontact.auth import authenticator
from tap_constantcontact.client import Connection
from tap_constantcontact.output import WholeLineWriter
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

    def __init__(self, *args: Any, validate_config: bool = True, **kwargs: Any) -> None:
        super().__init__(*args, validate_config=validate_config, **kwargs)
        self.metrics_logger.addFilter(metrics.MetricExclusionFilter(metrics=PER_REQUEST))
        if validate_config:
            settings.check(self.config)
            self.connection  # noqa: B018 - a token file that cannot be written fails here
            self.message_writer.last_words = self.write_state

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
        return Connection(config["api_url"], authenticator(config))

    def write_state(self) -> None:
        """Emit the state as it is, unless records wait in a batch that is not out yet."""
        if not self.config.get("batch_config"):
            self.state_writer.write_state(self.state)

    # Streams

    def discover_streams(self) -> list[Stream]:
        """Return the four reports."""
        return [stream_type(self) for stream_type in STREAMS]

    @property
    def streams(self) -> dict[str, Stream]:
        """The streams in the order they run."""
        streams = super().streams
        return {stream_type.name: streams[stream_type.name] for stream_type in STREAMS}

    @cached_property
    def roster_stream(self) -> RosterStream:
        """What lists the contacts for the two contact reports."""
        return RosterStream(self)

    # The command line

    def _handle_termination(self, signum: int, frame: FrameType | None) -> None:  # noqa: ARG002
        """End between two lines, where the SDK would write a state into the middle of one."""
        self.logger.info("Ending on %s", signal.Signals(signum).name)
        self.message_writer.terminate(signum)

    @classmethod
    def invoke(cls, **kwargs: Any) -> None:
        """Run the tap; a fault of its settings ends it with one plain line."""
        with _plain_faults():
            super().invoke(**kwargs)

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
    except FileNotFoundError as error:
        faults = str(error).rstrip(".")
    else:
        return
    TapConstantContact.logger.error("The settings cannot be used: %s.", faults)
    sys.exit(1)
