"""Writes `.env` from `.env.example` and a file for each secret: run by `make env`, with the standard library alone."""

import os
import re
import secrets
import sys

PROJECT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
MADE_HERE = re.compile(r"^(PGPASSWORD)=$", re.MULTILINE)  # others are given by whoever runs the service
VARIABLE = re.compile(r"^([A-Z_]+)=(.*)$", re.MULTILINE)
# What docker-compose.yml hands to containers as files. Only the first stands in `.env` as well, which wins.
SECRETS = ("pgpassword", "waybill_reader_password", "pgadmin_password", "jupyter_token")


def main():
    """Write what is missing: `.env` with mode 0600, the secrets in a folder of mode 0700. Return the exit code."""
    try:
        with open(os.path.join(PROJECT, ".env.example"), encoding="utf-8") as example:
            text = example.read()
        write_env(text)
        with open(os.path.join(PROJECT, ".env"), encoding="utf-8") as file:
            written = dict(VARIABLE.findall(file.read()))
        lacking = [name for name, _ in VARIABLE.findall(text) if name not in written]
        if lacking:
            sys.stderr.write("waybill: .env lacks %s: copy from .env.example what you need\n" % ", ".join(lacking))
        write_secrets(written)
    except OSError as error:
        sys.stderr.write(
            "waybill: %s: %s; make it writable and `make env` again\n" % (error.filename or PROJECT, error.strerror)
        )
        return 1
    return 0


def write_env(example):
    """Write `.env` with a password of its own; leave one that is there alone."""
    text, made = MADE_HERE.subn(with_secret, example)
    try:
        descriptor = os.open(os.path.join(PROJECT, ".env"), os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        sys.stderr.write("waybill: .env is there and stays as it is: edit it, or move it away and `make env` again\n")
        return
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
    print(".env written, for you alone to read, with %d password made" % made)


def write_secrets(written):
    """Write a file for each secret that has none; that of PGPASSWORD follows `.env`.

    Nobody but their owner reaches the folder; the files themselves can be read by all, since in a container another
    user reads them.
    """
    folder = os.path.join(PROJECT, written.get("WAYBILL_SECRETS") or "secrets")
    os.makedirs(folder, mode=0o700, exist_ok=True)
    os.chmod(folder, 0o700)
    made = 0
    for name in SECRETS:
        path = os.path.join(folder, name)
        wanted = written.get(name.upper(), "").strip("'\"")
        if not os.path.exists(path) or (wanted and read(path) != wanted):
            partial = path + ".partial"
            with open(partial, "w", encoding="utf-8") as file:  # no line end: what reads it takes it as it is
                file.write(wanted or secrets.token_urlsafe(24))
            os.chmod(partial, 0o444)
            os.replace(partial, path)
            made += 1
    if made:
        print("%s: %d secrets written, a file each" % (os.path.relpath(folder, PROJECT), made))


def read(path):
    """Return a file's text."""
    with open(path, encoding="utf-8") as file:
        return file.read()


def with_secret(found):
    """Return the variable with a value that nobody can guess, or that of its file, which a server may know already."""
    path = os.path.join(PROJECT, "secrets", found.group(1).lower())
    return "%s=%s" % (found.group(1), read(path) if os.path.exists(path) else secrets.token_urlsafe(24))


if __name__ == "__main__":
    sys.exit(main())
