"""Run the command, as `python -m tap_constantcontact.commands.doctor`."""

from tap_constantcontact.commands.doctor.command import main

if __name__ == "__main__":
    main(prog_name="tap-constantcontact-doctor")
