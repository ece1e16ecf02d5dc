"""Set-up: what it installs, skips and repeats, and the one line with which it fails."""

from __future__ import annotations

import hashlib
import os
import shutil
import signal
import subprocess
import sys
import sysconfig
import time
import zipfile
from pathlib import Path

import pytest

from setup.environment import find_cause
from tests.support.clones import HANDLES_CTRL_C

pytestmark = pytest.mark.slow

ANOTHER_PYTHON = """
import runpy, sys
sys.version_info, sys.argv = (3, 10, 0), sys.argv[1:]
runpy.run_path(sys.argv[0], run_name="__main__")
"""
BIG = 24 * 1024 * 1024


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """Return a folder with a blank and an accent that holds what set-up needs, and one small package to install."""
    folder = tmp_path / "wäy bill"
    for needed in ("setup", "requirements"):
        (folder / needed).mkdir(parents=True)
    for name in ("Makefile", "setup/environment.py"):
        shutil.copy(name, folder / name)
    digest = hashlib.sha256(build_wheel(folder / "wheels").read_bytes()).hexdigest()
    for group in ("requirements", "requirements/dev"):
        (folder / f"{group}.txt").write_text(f"tiny==1.0 --hash=sha256:{digest}\n")
    return folder


def build_wheel(folder: Path) -> Path:
    """Write a package with a module, a large file and a command named dbt."""
    folder.mkdir()
    about = "tiny-1.0.dist-info"
    members = {
        "tiny.py": "answer = 42\n",
        "tiny.bin": "\0" * BIG,
        f"{about}/METADATA": "Metadata-Version: 2.1\nName: tiny\nVersion: 1.0\n",
        f"{about}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{about}/entry_points.txt": "[console_scripts]\ndbt = tiny:answer\n",
    }
    path = folder / "tiny-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as wheel:
        for name, text in members.items():
            wheel.writestr(name, text)
        record = "".join(f"{name},,\n" for name in [*members, f"{about}/RECORD"])
        wheel.writestr(f"{about}/RECORD", record)
    return path


def environment(clone: Path, **variables: str) -> dict[str, str]:
    """Return an environment in which packages come from the clone's own folder, through pip."""
    plain = {name: value for name, value in os.environ.items() if not name.startswith(("PIP_", "UV_", "PYTHON"))}
    offline = {"PATH": "/usr/bin:/bin", "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": (clone / "wheels").as_uri()}
    return {**plain, **offline, "PIP_CONFIG_FILE": os.devnull, **variables}


def start(clone: Path, *arguments: str, **variables: str) -> subprocess.Popen[str]:
    command = [*HANDLES_CTRL_C, sys.executable, "setup/environment.py", *(arguments or ("requirements",))]
    return subprocess.Popen(
        command, cwd=clone, env=environment(clone, **variables), stderr=subprocess.PIPE, text=True, process_group=0
    )


def set_up(clone: Path, *arguments: str, **variables: str) -> tuple[int, list[str]]:
    process = start(clone, *arguments, **variables)
    output = process.communicate(timeout=120)[1]
    return process.returncode, output.splitlines()


def refused(clone: Path, *arguments: str, **variables: str) -> str:
    """Run a set-up that fails; return its one line of error."""
    code, lines = set_up(clone, *arguments, **variables)
    assert code == 1
    (line,) = [line for line in lines if "waybill: setting up .venv" not in line]
    assert line.startswith("waybill: ")
    assert not (clone / ".venv" / ".waybill-requirements").exists()
    return line


def answer(clone: Path) -> str:
    """Return the value that the installed package prints."""
    command = [clone / ".venv/bin/python", "-B", "-c", "import tiny; print(tiny.answer, tiny.__cached__)"]
    value, compiled = subprocess.check_output(command, text=True).strip().split(" ", 1)
    assert Path(compiled).exists()
    return value


def until_it_installs(clone: Path, process: subprocess.Popen[str]) -> None:
    while not (clone / ".venv/.waybill-unfinished").exists():
        assert process.poll() is None
        time.sleep(0.01)


def test_it_installs_and_compiles_once(clone: Path) -> None:
    assert set_up(clone)[0] == 0
    assert answer(clone) == "42"
    assert "-m pipeline.dbt.command " in (clone / ".venv/bin/dbt").read_text()
    assert "-m waybill " in (clone / ".venv/bin/waybill").read_text()
    assert os.access(clone / ".venv/bin/waybill", os.X_OK)
    before = (clone / ".venv/.waybill-requirements").stat().st_mtime_ns
    assert set_up(clone) == (0, [])
    assert (clone / ".venv/.waybill-requirements").stat().st_mtime_ns == before


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_an_interrupted_set_up_starts_over(clone: Path, number: signal.Signals) -> None:
    process = start(clone)
    until_it_installs(clone, process)
    os.killpg(process.pid, number)
    lines = process.communicate()[1].splitlines()
    if number == signal.SIGINT:
        assert process.returncode == 130
        assert lines[1:] == ["waybill: set-up was interrupted: run the same command again"]
    code, lines = set_up(clone)
    assert (code, len(lines)) == (0, 1)
    assert "setting up" in lines[0]
    assert answer(clone) == "42"


def test_two_set_ups_at_once_take_turns(clone: Path) -> None:
    both = [start(clone), start(clone)]
    assert sorted(len(process.communicate()[1].splitlines()) for process in both) == [0, 1]
    assert answer(clone) == "42"


def test_another_pythons_environment_is_updated_only_on_request(clone: Path) -> None:
    assert set_up(clone)[0] == 0
    stamp = clone / ".venv/.waybill-requirements"
    stamp.write_text(stamp.read_text().replace(f"3.{sys.version_info.minor} ", "3.99 "))
    assert set_up(clone) == (0, [])
    code, lines = set_up(clone, "--with-this-python", "requirements")
    assert code == 0
    assert lines == ["waybill: updating .venv"]


@pytest.mark.parametrize("arguments", [("--with-this-python", "requirements"), ("requirements",)])
def test_another_version_of_python_is_one_line(clone: Path, arguments: tuple[str, ...]) -> None:
    command = [sys.executable, "-c", ANOTHER_PYTHON, "setup/environment.py", *arguments]
    result = subprocess.run(
        command, cwd=clone, env=environment(clone, PATH=""), capture_output=True, text=True, check=False
    )
    assert result.returncode == 1
    (line,) = result.stderr.splitlines()
    assert "this is Python 3.10; Waybill needs 3.11 to 3.13" in line


def test_a_python_without_ensurepip_names_the_package_to_install(clone: Path) -> None:
    hidden = clone / "hidden"
    hidden.mkdir()
    (hidden / "ensurepip.py").write_text("raise ImportError")
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    line = refused(clone, PYTHONPATH=str(hidden))
    assert f"`apt install python{version}-venv` on Debian or Ubuntu, or put uv on the PATH" in line


@pytest.mark.parametrize(
    ("variables", "words"),
    [
        ({"PIP_FIND_LINKS": ""}, "has no wheel for this machine and Python"),
        (
            {"PIP_FIND_LINKS": "", "PIP_NO_INDEX": "0", "PIP_INDEX_URL": "http://127.0.0.1:1/", "PIP_RETRIES": "1"},
            "no package index answers: connect to the network",
        ),
    ],
)
def test_unavailable_packages_are_one_line(clone: Path, variables: dict[str, str], words: str) -> None:
    line = refused(clone, **variables)
    assert words in line
    assert line.endswith("; then run the same command again")
    assert set_up(clone)[0] == 0


def test_an_untrusted_certificate_is_named_as_the_cause() -> None:
    output = "error sending request for url\n  cause: invalid peer certificate: UnknownIssuer"
    assert "SSL_CERT_FILE" in find_cause(output)


def test_a_package_with_another_hash_is_refused(clone: Path) -> None:
    (clone / "requirements.txt").write_text(f"tiny==1.0 --hash=sha256:{'0' * 64}\n")
    assert "hash is not the pinned one" in refused(clone)


def test_a_read_only_checkout_is_refused(clone: Path) -> None:
    command = f"'{sys.executable}' setup/environment.py requirements"
    if os.geteuid() == 0:  # file modes do not stop root
        read_only = f"mount --bind . . && mount -o remount,ro,bind . && cd '{clone}' && {command}"
        ran = ["unshare", "-m", "sh", "-c", read_only]
    else:
        clone.chmod(0o555)
        ran = ["sh", "-c", command]
    result = subprocess.run(ran, cwd=clone, env=environment(clone), capture_output=True, text=True, check=False)
    clone.chmod(0o755)
    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr == f"waybill: {clone} is not writable: clone Waybill into a folder that you can write to\n"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make a small disk")
def test_a_full_disk_is_one_line_and_a_rerun_completes(clone: Path) -> None:
    (clone / ".venv").mkdir()
    script = (
        "mount -t tmpfs -o size=30m tmpfs .venv\n"
        f"'{sys.executable}' setup/environment.py requirements && exit 9\n"
        "mount -o remount,size=200m .venv\n"
        f"'{sys.executable}' setup/environment.py requirements && .venv/bin/python -c 'import tiny; print(tiny.answer)'"
    )
    result = subprocess.run(
        ["unshare", "-m", "sh", "-c", script],
        cwd=clone, env=environment(clone), capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (result.returncode, result.stdout) == (0, "42\n"), result.stderr
    assert "the disk is full: free about 2 GB" in result.stderr.splitlines()[1]


def test_set_up_uses_uv_where_it_is_installed(clone: Path) -> None:
    uv = Path(sysconfig.get_path("scripts")) / "uv"
    where = {"UV_OFFLINE": "1", "UV_NO_INDEX": "1", "UV_FIND_LINKS": str(clone / "wheels")}
    code, lines = set_up(clone, PATH=f"{uv.parent}:/usr/bin:/bin", **where)
    assert (code, len(lines)) == (0, 1)
    assert not (clone / ".venv/bin/pip").exists()
    assert answer(clone) == "42"


def test_pgadmin_gets_its_own_environment(clone: Path) -> None:
    shutil.copy(clone / "requirements.txt", clone / "requirements/admin.txt")
    code, output = set_up(clone, "admin")
    assert code == 0
    assert output[0].startswith("waybill: setting up .waybill/pgadmin-venv with Python ")
    assert not (clone / ".venv").exists()
    assert "Written by set-up" not in (clone / ".waybill" / "pgadmin-venv" / "bin" / "dbt").read_text()
    assert set_up(clone, "admin") == (0, [])
