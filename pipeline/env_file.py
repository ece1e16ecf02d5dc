"""Writes `.env` from `.env.example` with passwords of its own: run by `make env`, with the standard library alone."""

import os
import re
import secrets
import sys

PROJECT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
MADE_HERE = re.compile(r"^(PGPASSWORD)=$", re.MULTILINE)  # others are given by whoever runs the service


def main():
    """Write the file with mode 0600; leave one that is there alone. Return the exit code."""
    path = os.path.join(PROJECT, ".env")
    with open(os.path.join(PROJECT, ".env.example"), encoding="utf-8") as example:
        text, made = MADE_HERE.subn(with_secret, example.read())
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        sys.stderr.write("waybill: .env is there and stays as it is: edit it, or move it away and `make env` again\n")
        return 0
    except OSError as error:
        sys.stderr.write("waybill: %s: %s; make the folder writable and `make env` again\n" % (path, error.strerror))
        return 1
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
    print(".env written, for you alone to read, with %d password made" % made)
    return 0


def with_secret(found):
    """Return the variable with a value that nobody can guess."""
    return "%s=%s" % (found.group(1), secrets.token_urlsafe(24))


if __name__ == "__main__":
    sys.exit(main())
