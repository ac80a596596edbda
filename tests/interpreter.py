"""An interpreter that has imported the tap, and becomes a process of it for each command.

To start Python and import the tap takes longer than most of what tests have a process do. So one
interpreter does both once, and forks for each command; the child runs the command's module as
`python -m` does, with arguments, variables, folder, streams, signals and an exit code of its own.

Its standard input is a socket. Each byte on it comes with five files: one to read the command
from, as JSON; one to write the process's id to, and its exit code when it is over; and the
process's three standard streams.
"""

from __future__ import annotations

import json
import os
import runpy
import signal
import socket
import sys

import tap_constantcontact.auth.authenticator
import tap_constantcontact.auth.sign_in.flows
import tap_constantcontact.cli
import tap_constantcontact.commands.doctor.command  # noqa: F401 - what the commands import


def fork_for_each_command() -> list[int]:
    """Return, in the child alone, the files that came with its command."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for those who watch
    with socket.socket(fileno=0) as asked:
        while True:
            received, files, *_ = socket.recv_fds(asked, 1, 5)
            if not received:
                sys.exit()
            if not os.fork():
                break
            for file in files:
                os.close(file)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    command, tell, *streams = files
    if process := os.fork():
        watch(process, tell, [command, *streams])
    os.close(tell)
    return [command, *streams]


def watch(process: int, tell: int, files: list[int]) -> None:
    """Tell the process's id and how it ended, then end."""
    for file in files:
        os.close(file)
    os.write(tell, f"{process}\n".encode())
    _, status = os.waitpid(process, 0)
    os.write(tell, f"{os.waitstatus_to_exitcode(status)}\n".encode())
    os._exit(0)


if __name__ == "__main__":
    command, *streams = fork_for_each_command()
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    with open(command, encoding="utf-8") as written:  # noqa: PTH123 - a file that is open
        module, arguments, environment, folder = json.load(written)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    # As at a terminal, also where the tests are started with these signals ignored, as by nohup.
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    # As Python does at its start: the streams' files stay open whatever becomes of the streams.
    sys.stdin = open(0, closefd=False)  # noqa: SIM115
    sys.stdout = open(1, "w", closefd=False)  # noqa: SIM115
    sys.stderr = open(  # noqa: SIM115
        2, "w", buffering=1, errors="backslashreplace", closefd=False
    )
    sys.argv = [module, *arguments]
    runpy.run_module(module, run_name="__main__", alter_sys=True)
