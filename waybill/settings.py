"""Reads and validates every variable: from the environment, else `.env`, else a file of secrets, else the default."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict
from pydantic_settings import SettingsError as SourceError

from waybill.declared.mistakes import describe_mistakes
from waybill.errors import SettingsError

MAX_NAME_BYTES = 63  # PostgreSQL cuts a longer name, which could then be another one's
MIN_KEY_CHARACTERS = 16
PROJECT = Path(__file__).resolve().parents[1]


def relative_name(path: Path | str) -> str:
    """Return a path relative to the project's folder; unchanged if it is outside."""
    return os.fspath(path).removeprefix(f"{PROJECT}/")


class Settings(BaseSettings):
    """All variables; `.env.example` lists them with a comment each.

    Relative paths start at the project's folder. An empty value counts as not set.
    """

    model_config = SettingsConfigDict(env_file=PROJECT / ".env", env_ignore_empty=True, extra="ignore", frozen=True)

    pghost: str | None = None
    pgport: int = Field(default=5432, ge=1, le=65535)
    pguser: str | None = None
    pgpassword: SecretStr | None = None
    pgdatabase: str = "waybill"
    pgsslmode: str | None = None
    kafka_bootstrap_servers: str | None = None
    kafka_security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = "PLAINTEXT"
    kafka_sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = "SCRAM-SHA-512"
    kafka_sasl_username: str | None = None
    kafka_sasl_password: SecretStr | None = None
    kafka_ssl_cafile: Path | None = None
    waybill_distributed: bool = False
    waybill_server_user: str = "waybill"
    waybill_secrets: Path = Path("secrets")
    waybill_reader_password: SecretStr | None = None
    waybill_erasure_secret: SecretStr | None = None
    waybill_state: Path = Path(".waybill")
    waybill_raw: Path = Path("data/raw")
    waybill_processed: Path = Path("data/processed")
    waybill_models: Path = Path("models")
    waybill_reports: Path = Path("reports")
    waybill_pgadmin_port: int = Field(default=5050, ge=1, le=65535)
    waybill_schedule: str = "@daily"
    waybill_airflow_port: int = Field(default=8600, ge=1, le=65535)
    waybill_airflow_password: SecretStr | None = None
    waybill_task: str | None = None
    waybill_erased_models: Literal["keep-marked", "refuse", "retrain"] = "keep-marked"
    waybill_api_host: str = "127.0.0.1"
    waybill_api_port: int = Field(default=8500, ge=1, le=65535)
    waybill_api_key: SecretStr | None = None
    waybill_api_max_bytes: int = Field(default=4 * 1024 * 1024, ge=1024, le=1024 * 1024 * 1024)
    waybill_api_max_rows: int = Field(default=1000, ge=1, le=1_000_000)
    waybill_dask_scheduler: str | None = None
    waybill_api_keep_days: int = Field(default=30, ge=1, le=36_500)
    waybill_openlineage: bool = False
    waybill_openlineage_seconds: float = Field(default=1, ge=0, allow_inf_nan=False)
    openlineage_url: str | None = None
    openlineage_api_key: SecretStr | None = None
    waybill_max_document_bytes: int = Field(default=64 * 1024 * 1024, ge=1024, le=255 * 1024 * 1024)
    waybill_chunk_bytes: int = Field(default=8 * 1024 * 1024, ge=1, le=1024 * 1024 * 1024)
    waybill_busy_watts: float = Field(default=3.5, ge=0, allow_inf_nan=False)
    waybill_idle_watts: float = Field(default=0.74, ge=0, allow_inf_nan=False)
    waybill_grid_grams: float = Field(default=473, ge=0, allow_inf_nan=False)
    waybill_alert_url: SecretStr | None = None
    waybill_alert_command: str | None = None
    waybill_alert_run_hours: float = Field(default=26, ge=0, allow_inf_nan=False)
    waybill_alert_reject_share: float = Field(default=0.05, ge=0, le=1)
    waybill_alert_lag_minutes: float = Field(default=15, ge=0, allow_inf_nan=False)
    waybill_alert_lag_messages: int = Field(default=0, ge=0)
    waybill_alert_disk_percent: float = Field(default=5, ge=0, le=100)
    waybill_alert_disk_bytes: int = Field(default=2 * 1024**3, ge=0)
    waybill_log_level: Annotated[Literal["DEBUG", "INFO", "WARNING", "ERROR"], BeforeValidator(str.upper)] = "WARNING"

    @field_validator("*", mode="before")
    @classmethod
    def is_text(cls, value: Any) -> Any:
        """Raise an error for a NUL character, which no path, name or password can hold."""
        if isinstance(value, str) and "\0" in value:
            raise ValueError("must not hold a NUL character")
        return value

    @field_validator("waybill_dask_scheduler")
    @classmethod
    def is_address(cls, value: str | None) -> str | None:
        """Raise an error unless it is the address of a Dask scheduler."""
        if value is not None and not re.fullmatch(r"(tcp|tls)://[^\s/]+:\d{1,5}", value):
            raise ValueError("must be an address such as tcp://127.0.0.1:8786")
        return value

    @field_validator("waybill_schedule")
    @classmethod
    def is_schedule(cls, value: str) -> str:
        """Raise an error unless it is a cron expression, one of Airflow's names for one, or none."""
        if not re.fullmatch(r"none|@(hourly|daily|weekly|monthly|quarterly|yearly)|\S+( \S+){4}", value):
            raise ValueError("must be a cron expression such as 30 6 * * *, @daily or another name of Airflow, or none")
        return value

    @field_validator("waybill_alert_url")
    @classmethod
    def is_url(cls, value: SecretStr | None) -> SecretStr | None:
        """Raise an error unless it is an address of the web; the error does not show it, as it may hold a token."""
        if value is not None and not re.fullmatch(r"https?://[^\s/?#]+\S*", value.get_secret_value()):
            raise ValueError("must be an address such as https://example.org/hook")
        return value

    @field_validator("waybill_api_key", "waybill_erasure_secret")
    @classmethod
    def is_long(cls, value: SecretStr | None) -> SecretStr | None:
        """Raise an error for a secret that is too easily guessed."""
        if value is not None and len(value.get_secret_value()) < MIN_KEY_CHARACTERS:
            raise ValueError(f"must have at least {MIN_KEY_CHARACTERS} characters")
        return value

    @property
    def is_embedded(self) -> bool:
        """True if the project runs its own server, because PGHOST names no other."""
        return self.pghost is None

    @property
    def state_folder(self) -> Path:
        """The folder of the embedded server and of what runs keep for the next one."""
        return PROJECT / self.waybill_state

    @property
    def secrets_folder(self) -> Path:
        """The folder of files with secrets, each named after its variable in lower case, e.g. `pgpassword`."""
        return PROJECT / self.waybill_secrets

    @property
    def raw_folder(self) -> Path:
        """The folder in which the sources' files are searched."""
        return PROJECT / self.waybill_raw

    @property
    def processed_folder(self) -> Path:
        """The folder of the exported documents."""
        return PROJECT / self.waybill_processed

    @property
    def models_folder(self) -> Path:
        """The folder of trained models and their manifests."""
        return PROJECT / self.waybill_models

    @property
    def openlineage_file(self) -> Path:
        """The file of OpenLineage events, one a line, unless OPENLINEAGE_URL names a backend."""
        return self.reports_folder / "openlineage.ndjson"

    @property
    def reports_folder(self) -> Path:
        """The folder of the report and the validation pages."""
        return PROJECT / self.waybill_reports


def get_settings() -> Settings:
    """Read the settings; nothing is cached.

    Raises:
        SettingsError: a value has the wrong type, PGDATABASE is too long, or PGUSER or PGPORT is set without PGHOST.
    """
    try:
        settings = Settings()
        if settings.secrets_folder.is_dir():
            settings = Settings(_secrets_dir=settings.secrets_folder)  # type: ignore[call-arg]
    except (OSError, UnicodeDecodeError, SourceError) as error:
        raise SettingsError(f".env or a file of secrets cannot be read: {error}; fix it, or remove it") from None
    except ValidationError as error:
        mistakes = describe_mistakes(error, Settings, name=str.upper, shows_values=False)
        raise SettingsError(f"{mistakes}; fix it in the environment or in .env") from None
    if len(settings.pgdatabase.encode()) > MAX_NAME_BYTES:
        raise SettingsError(
            f"PGDATABASE is longer than {MAX_NAME_BYTES} bytes, and PostgreSQL would cut it: shorten it"
        )
    if settings.is_embedded and (settings.pguser or "pgport" in settings.model_fields_set):
        raise SettingsError(
            "PGUSER or PGPORT is set but PGHOST is not: "
            "set PGHOST to use your own server, or unset them to use the embedded one"
        )
    return settings
