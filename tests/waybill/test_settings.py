"""A variable with an unusable value is named in one sentence, in the environment, in `.env` and in a file of secrets."""

from __future__ import annotations

from pathlib import Path

import pytest

from waybill.errors import SettingsError
from waybill.settings import Settings, get_settings

WRONG = {
    "WAYBILL_CHUNK_BYTES": {
        "abc": "must be a whole number",
        "1e9": "must be a whole number",
        "0": "must be at least 1",
        "-1": "must be at least 1",
        "9" * 25: "must be at most 1073741824",
        "9" * 5000: "must be a whole number",
    },
    "WAYBILL_MAX_DOCUMENT_BYTES": {"1": "must be at least 1024"},
    "WAYBILL_BUSY_WATTS": {"nan": "must be a finite number", "inf": "must be a finite", "-1": "must be at least 0"},
    "WAYBILL_GRID_GRAMS": {"1e999": "must be a finite number", "many": "must be a number"},
    "WAYBILL_PGADMIN_PORT": {"0": "must be at least 1", "65536": "must be at most 65535", "\u00b2": "must be a whole"},
    "WAYBILL_LOG_LEVEL": {"loud": "must be one of 'DEBUG', 'INFO', 'WARNING' or 'ERROR'"},
    "WAYBILL_DASK_SCHEDULER": dict.fromkeys(
        ("127.0.0.1:8786", "tcp://8786", "http://a:1"), "must be an address such as"
    ),
    "WAYBILL_ALERT_URL": dict.fromkeys(("file:///etc/passwd", "example.org", "https://"), "must be an address such as"),
    "WAYBILL_ALERT_REJECT_SHARE": {"1.5": "must be at most 1", "5 %": "must be a number"},
    "KAFKA_SECURITY_PROTOCOL": {"TLS": "must be one of 'PLAINTEXT'"},
}


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [(name, value, said) for name, tried in WRONG.items() for value, said in tried.items()],
)
def test_a_wrong_value_is_named(monkeypatch: pytest.MonkeyPatch, name: str, value: str, message: str) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError) as raised:
        get_settings()
    assert str(raised.value).startswith(f"{name} {message}")
    assert str(raised.value).endswith("; fix it in the environment or in .env")
    assert "Input" not in str(raised.value)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"WAYBILL_RAW=caf\xe9", r"\.env or a file of secrets cannot be read"),
        (b"WAYBILL_RAW=a\0b", "WAYBILL_RAW must not hold a NUL character"),
    ],
)
def test_a_broken_env_file_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes, message: str
) -> None:
    (tmp_path / ".env").write_bytes(content)
    monkeypatch.delenv("WAYBILL_RAW", raising=False)
    monkeypatch.setitem(Settings.model_config, "env_file", tmp_path / ".env")
    with pytest.raises(SettingsError, match=message):
        get_settings()


def test_a_broken_secret_is_named_and_not_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "pgpassword").write_bytes(b"hush\xff")
    monkeypatch.setenv("WAYBILL_SECRETS", str(tmp_path))
    with pytest.raises(SettingsError, match="pgpassword") as raised:
        get_settings()
    assert "hush" not in str(raised.value)
