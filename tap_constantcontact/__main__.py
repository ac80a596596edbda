"""Run the tap as `python -m tap_constantcontact`."""

from tap_constantcontact.tap import TapConstantContact

if __name__ == "__main__":
    TapConstantContact.cli()
