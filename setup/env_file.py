"""Writes `.env` from `.env.example`, and a file for each secret. `make env` runs it; it needs no installed package."""

import os
import re
import secrets
import sys

PROJECT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
GENERATED = re.compile(r"^(PGPASSWORD)=$", re.MULTILINE)  # the user supplies the others
VARIABLE = re.compile(r"^([A-Z_]+)=(.*)$", re.MULTILINE)
# The files that docker-compose.yml passes to containers. The first is also a line of `.env`, which takes precedence.
SECRETS = (
    "pgpassword", "waybill_reader_password", "waybill_api_key", "pgadmin_password", "jupyter_token",
    "waybill_airflow_password", "waybill_erasure_secret",
)  # fmt: skip


def main():
    """Write `.env` (mode 0600) and the secrets (in a folder of mode 0700), unless they exist; return the exit code."""
    try:
        with open(os.path.join(PROJECT, ".env.example"), encoding="utf-8") as example:
            text = example.read()
        write_env(text)
        with open(os.path.join(PROJECT, ".env"), encoding="utf-8") as file:
            written = dict(VARIABLE.findall(file.read()))
        missing = [name for name, _ in VARIABLE.findall(text) if name not in written]
        if missing:
            sys.stderr.write(
                "waybill: .env has no line for %s: copy the ones you need from .env.example\n" % ", ".join(missing)
            )
        write_secrets(written)
    except OSError as error:
        sys.stderr.write(
            "waybill: %s: %s; make it writable and run `make env` again\n" % (error.filename or PROJECT, error.strerror)
        )
        return 1
    return 0


def write_env(example):
    """Write `.env` with a generated password, unless `.env` exists."""
    text, generated = GENERATED.subn(with_secret, example)
    try:
        descriptor = os.open(os.path.join(PROJECT, ".env"), os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        sys.stderr.write(
            "waybill: .env exists and was not changed: edit it, or move it away and run `make env` again\n"
        )
        return
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
    print(".env written, readable only by you, with %d generated password" % generated)


def write_secrets(written):
    """Write a file for each secret that has none. The file of PGPASSWORD is kept equal to `.env`.

    Only their owner can open the folder. The files themselves are readable by all, because another user reads them
    inside a container.
    """
    folder = os.path.join(PROJECT, written.get("WAYBILL_SECRETS") or "secrets")
    os.makedirs(folder, mode=0o700, exist_ok=True)
    os.chmod(folder, 0o700)
    count = 0
    for name in SECRETS:
        path = os.path.realpath(os.path.join(folder, name))  # a link stays
        wanted = written.get(name.upper(), "").strip("'\"")
        if name == "waybill_erasure_secret" and not wanted:
            wanted = made_by_an_erasure(written)
        if not os.path.exists(path) or (wanted and read(path) != wanted):
            partial = path + ".partial"
            with open(partial, "w", encoding="utf-8") as file:
                file.write(wanted or secrets.token_urlsafe(24))  # without a line end, which would be part of the secret
            os.chmod(partial, 0o444)
            os.replace(partial, path)
            count += 1
    if count:
        secrets_made = "1 secret" if count == 1 else "%d secrets" % count
        print("%s: %s written, one file each" % (os.path.relpath(folder, PROJECT), secrets_made))


def made_by_an_erasure(written):
    """Return the secret that the first `waybill erase` made, if it did: keys that it barred need it for ever."""
    path = os.path.join(PROJECT, written.get("WAYBILL_STATE") or ".waybill", "erasure_secret")
    return read(path).strip() if os.path.exists(path) else ""


def read(path):
    """Return a file's text."""
    with open(path, encoding="utf-8") as file:
        return file.read()


def with_secret(found):
    """Return the line with a random value or, if the secret's file exists, its value: a server may already use it."""
    path = os.path.join(PROJECT, "secrets", found.group(1).lower())
    return "%s=%s" % (found.group(1), read(path) if os.path.exists(path) else secrets.token_urlsafe(24))


if __name__ == "__main__":
    sys.exit(main())
