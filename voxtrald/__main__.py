"""Run the command line with `python -m voxtrald`."""

from voxtrald.cli.app import main

if __name__ == "__main__":
    main()
