"""Starts and stops a real Apache Kafka on loopback. It keeps running after the command that started it."""

from __future__ import annotations

import base64
import os
import subprocess
import time
from contextlib import AbstractContextManager, suppress
from typing import Any

from streaming.errors import BrokerNotStarted
from streaming.local_broker.configuration import ExtraListener, write_configuration
from streaming.local_broker.jars import fetch_jars
from streaming.local_broker.java import find_java
from streaming.local_broker.process import BrokerPaths, choose_ports, find_broker_process, is_running
from waybill.background_processes import remember
from waybill.background_processes import stop as stop_process
from waybill.file_lock import file_lock

START_SECONDS = 60
HEAP = "512m"


def start_broker(paths: BrokerPaths, extra: ExtraListener | None = None) -> bool:
    """Start the broker, creating its data folder the first time; return False when it was running already.

    Two commands that start it at once take turns.

    Raises:
        JavaMissing, JarsMissing: see `streaming.errors`.
        BrokerNotStarted: the broker did not start; the message ends with an error from its log.
    """
    if is_running(paths):
        return False
    with _lock(paths):
        if is_running(paths):
            return False
        java = _java_command(paths)
        stop_process(paths.state)  # a process that runs but does not accept connections would hold the data folder
        ports = choose_ports(paths)
        write_configuration(paths, ports, extra)
        if not (paths.data / "meta.properties").exists():
            _format_data_folder(paths, java)
        pid = _spawn([*java, "kafka.Kafka", paths.properties.name], paths)
        remember(paths.state, pid, port=ports.clients, controller_port=ports.controller)
        _wait_until_running(paths)
    return True


def stop_broker(paths: BrokerPaths) -> bool:
    """Stop the broker, keeping its messages; return whether it was running."""
    with _lock(paths):
        return stop_process(paths.state)


def _lock(paths: BrokerPaths) -> AbstractContextManager[None]:
    paths.home.mkdir(parents=True, exist_ok=True, mode=0o700)
    return file_lock(paths.home / "lock")


def _java_command(paths: BrokerPaths) -> list[str]:
    folders = sorted({jar.parent for jar in fetch_jars(paths.jars)})
    class_path = os.pathsep.join(f"{folder.relative_to(paths.home)}/*" for folder in folders)
    return [str(find_java()), f"-Xmx{HEAP}", "-Dorg.slf4j.simpleLogger.showDateTime=true", "-cp", class_path]


def _format_data_folder(paths: BrokerPaths, java: list[str]) -> None:
    cluster_id = base64.urlsafe_b64encode(os.urandom(16)).rstrip(b"=").decode()
    # option and value are one argument, because an identifier may begin with a hyphen
    tool = ["kafka.tools.StorageTool", "format", f"--cluster-id={cluster_id}", f"--config={paths.properties.name}"]
    command = _inside_home(paths, [*java, *tool])
    done = subprocess.run(command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
    if done.returncode:
        raise BrokerNotStarted(f"Kafka could not create {paths.data}: {_last_error(done.stdout + done.stderr)}")


def _spawn(command: list[str], paths: BrokerPaths) -> int:
    """Start a process that outlives this one, in its own session; return its process id."""
    log_flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
    actions: list[tuple[Any, ...]] = [
        (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
        (os.POSIX_SPAWN_OPEN, 1, paths.log, log_flags, 0o600),
        (os.POSIX_SPAWN_DUP2, 1, 2),
        *((os.POSIX_SPAWN_CLOSE, number) for number in _inheritable_files()),
    ]
    command = _inside_home(paths, command)
    return os.posix_spawn(command[0], command, os.environ, file_actions=actions, setsid=True)


def _inheritable_files() -> list[int]:
    """Return the file descriptors that a child would inherit, such as a lock or our caller's pipe."""
    numbers = []
    for name in os.listdir("/dev/fd"):
        with suppress(OSError):  # the listing's own descriptor is closed by now
            if int(name) > 2 and os.get_inheritable(int(name)):
                numbers.append(int(name))
    return numbers


def _inside_home(paths: BrokerPaths, command: list[str]) -> list[str]:
    """Return a command that runs in the broker's folder, so that Java never has to parse our absolute paths."""
    return ["/bin/sh", "-c", 'cd "$1" && shift && exec "$@"', "sh", str(paths.home), *command]


def _wait_until_running(paths: BrokerPaths) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and find_broker_process(paths):
        if is_running(paths):
            return
        time.sleep(0.1)
    stop_process(paths.state)
    error = _last_error(paths.log.read_text(encoding="utf-8", errors="replace"))
    raise BrokerNotStarted(f"Kafka did not start; its log {paths.log} says: {error}")


def _last_error(text: str) -> str:
    """Return the last line that reports an error, else the last line."""
    lines = text.strip().splitlines()
    errors = [line for line in lines if "ERROR" in line or "Exception" in line]
    return (errors or lines or ["nothing"])[-1]
