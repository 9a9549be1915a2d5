"""``python -m lacewing.cli``: the command line, as a debugger starts it."""

from lacewing.cli.app import main

if __name__ == "__main__":
    main()
