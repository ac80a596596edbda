"""Run the tap as `python -m tap_constantcontact`."""

from tap_constantcontact.cli import main

if __name__ == "__main__":
    main()
