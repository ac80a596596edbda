"""Commands whose options say what is to be done, and not just how."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import ClassVar

import click
from typing_extensions import override

from tap_constantcontact.exceptions import refused


class CommandOfModes(click.Command):
    """Refuses options that contradict each other before it does anything.

    Attributes:
        modes: Options, each with those that may be given beside it.
    """

    modes: ClassVar[Mapping[str, Collection[str]]]

    @override
    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse the command line.

        Raises:
            ConfigValidationError: Two options contradict each other.
        """
        _, _, options = self.make_parser(ctx).parse_args([*args])
        # --help and --version print something whatever else is given.
        given = [one.opts[0] for one in options if one.expose_value or not one.is_eager]
        for mode, beside in self.modes.items():
            for other in given if mode in given else ():
                if other != mode and other not in beside:
                    raise refused(f"{mode} contradicts {other}: give one of the two")
        return super().parse_args(ctx, args)
