"""Models of requests and answers, made from a model's manifest and the types of its mart's key."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, TypeAdapter, with_config
from typing_extensions import TypedDict

from ml.predict import Model

LARGEST = 3.4028234663852886e38  # what models compute with: float32
Number = Annotated[float, Field(strict=True, allow_inf_nan=False, ge=-LARGEST, le=LARGEST)]
Text = Annotated[str, Field(strict=True, pattern="^[^\\x00]*$")]  # PostgreSQL's texts hold no NUL
Probability = Annotated[float, Field(ge=0, le=1)]
NUMBER, TEXT = "a number within ±3.4e38, or null", "a text without NUL, or null"
EXACT: Any = with_config(ConfigDict(extra="forbid"))
ONE_MEMBER: Any = with_config(
    ConfigDict(extra="forbid", json_schema_extra={"minProperties": 1, "maxProperties": 1})  # keys or features
)


def _whole(value: Any) -> Any:
    """Return an integer for 1.0, which is one in JSON Schema."""
    return int(value) if isinstance(value, float) and value.is_integer() and abs(value) <= 2**63 else value


def _integer(bits: int) -> tuple[Any, str]:
    least, most = -(2 ** (bits - 1)), 2 ** (bits - 1) - 1
    return Annotated[int, Field(strict=True, ge=least, le=most), BeforeValidator(_whole)], f"an integer of {bits} bits"


def _text(form: str) -> Any:
    return Annotated[Text, Field(json_schema_extra={"format": form})]


Finite = Annotated[float, Field(strict=True, allow_inf_nan=False)]
Whole = Annotated[int, Field(strict=True)]
Flag = Annotated[bool, Field(strict=True)]
ANY_SCALAR = (Text | Whole | Finite | Flag, "a text, number or boolean")
OF_KEY: dict[str, tuple[Any, str]] = {  # the type of a column of the key -> its member, and what is expected
    "smallint": _integer(16),
    "integer": _integer(32),
    "bigint": _integer(64),
    "numeric": (Text | Whole | Finite, "a number, or its digits as a text"),
    "real": (Finite, "a number"),
    "double precision": (Finite, "a number"),
    "boolean": (Flag, "true or false"),
    "uuid": (_text("uuid"), "the text of a UUID"),
    "date": (_text("date"), "the text of a date"),
}


class AnswerHead(BaseModel):
    """Which model answered, and whether its training rows have changed since; null if that is not known."""

    model_config = ConfigDict(protected_namespaces=())

    task: str
    model_id: str
    is_stale: bool | None = Field(description="Whether its training rows have changed since training; null: not known")
    changed_batches: list[str] = Field(description="The batches that may have changed them")
    checked_at: str | None = Field(description="When that was checked (UTC); null: never")


@dataclass(frozen=True)
class TaskSchema:
    """What a request to a model must be, and what its answer is. `expected` describes each member of a row or key."""

    request: Any
    adapter: TypeAdapter[Any]
    answer: Any
    expected: Mapping[str, str]


def describe_request(model: Model, key_types: Mapping[str, str], max_rows: int) -> TaskSchema:
    """Return the schema of a model; a column of the key that has no type here may be any scalar."""
    title = "".join(word.capitalize() for word in model.task.task.split("_"))
    is_text = set(model.task.categorical)
    features: Any = {name: (Text if name in is_text else Number) | None for name in model.features}
    columns = model.task.key
    of_key = {
        name: OF_KEY.get(key_types[name], (Text, "a text without NUL")) if name in key_types else ANY_SCALAR
        for name in columns
    }
    row = EXACT(TypedDict(f"{title}Features", features))  # type: ignore[misc, operator]
    key = EXACT(TypedDict(f"{title}Key", {name: member for name, (member, _) in of_key.items()}))  # type: ignore[misc, operator]
    limits = Field(min_length=1, max_length=max_rows)
    request = ONE_MEMBER(
        TypedDict(  # type: ignore[misc, operator]
            f"{title}Request",
            {"keys": Annotated[list[key], limits], "features": Annotated[list[row], limits]},  # type: ignore[valid-type]
            total=False,
        )
    )
    of_features = {name: TEXT if name in is_text else NUMBER for name in model.features}
    of_rows = f"a list of 1 to {max_rows:,} objects"
    expected = {
        **{f"features.{name}": text for name, text in of_features.items()},
        **{f"keys.{name}": text for name, (_, text) in of_key.items()},
        "features": of_rows,
        "keys": of_rows,
    }
    return TaskSchema(request, TypeAdapter(request), _answer_of(model, title, key), expected)


def _answer_of(model: Model, title: str, key: Any) -> Any:
    """Return the model of an answer."""
    predicted: dict[str, Any] = {"prediction_id": UUID, "key": key | None}
    if model.is_binary:
        predicted |= {"probability": Probability, "is_predicted_positive": bool}
    else:
        each = TypedDict(f"{title}Probabilities", dict.fromkeys(model.classes, Probability))  # type: ignore[misc, operator]
        predicted |= {"predicted_label": str, "probabilities": each}
    prediction = TypedDict(f"{title}Prediction", predicted)  # type: ignore[misc, operator]
    return type(f"{title}Answer", (AnswerHead,), {"__annotations__": {"predictions": list[prediction]}})  # type: ignore[valid-type]
