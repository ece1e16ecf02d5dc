"""Reads a declaration, one YAML file, and describes mistakes in it: the file, the field and what to do."""

from __future__ import annotations

from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from waybill.declared.mistakes import describe_mistakes
from waybill.errors import WaybillError
from waybill.settings import relative_name

Declared = TypeVar("Declared", bound=BaseModel)


class UniqueKeys(yaml.SafeLoader):
    """A loader that refuses a mapping with the same key twice, of which YAML would take the last."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """Return the mapping. Raise MarkedYAMLError at the second of two equal keys."""
        seen = set()
        for key in (key for key, _ in node.value if isinstance(key, yaml.ScalarNode)):
            if key.value in seen:
                raise yaml.MarkedYAMLError(problem=f"{key.value} is there twice", problem_mark=key.start_mark)
            seen.add(key.value)
        return super().construct_mapping(node, deep)


def read_declared(path: Path, model: type[Declared], broken: type[WaybillError]) -> Declared:
    """Return a file's content as a model.

    Raises:
        WaybillError: of the type `broken`: the file is not UTF-8, YAML or a mapping, or the model refuses it.
    """
    content = read_mapping(path, broken)
    try:
        return model.model_validate(content)
    except ValidationError as error:
        raise broken(f"{relative_name(path)}: {describe_mistakes(error, model)}; correct it") from None


def read_mapping(path: Path, broken: type[WaybillError]) -> dict[str, Any]:
    """Return a file's content, which must be a mapping.

    Raises:
        WaybillError: of the type `broken`.
    """
    content = read_yaml(path, broken)
    if not isinstance(content, dict):
        raise broken(f"{relative_name(path)} must be a mapping, with a value for each field; correct it")
    return content


def read_yaml(path: Path, broken: type[WaybillError]) -> Any:
    """Return a file's content.

    Raises:
        WaybillError: of the type `broken`: the file cannot be read, or is not UTF-8 or YAML.
    """
    name = relative_name(path)
    try:
        return yaml.load(path.read_bytes().decode("utf-8-sig"), UniqueKeys)  # noqa: S506, a safe loader
    except OSError as error:
        raise broken(f"{name} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise broken(f"{name} is not UTF-8 (byte {error.start + 1}): save it as UTF-8") from None
    except yaml.MarkedYAMLError as error:
        line = f"line {error.problem_mark.line + 1}: " if error.problem_mark else ""
        raise broken(f"{name} is not YAML: {line}{error.problem or error.context}; correct it") from None
    except (yaml.YAMLError, ValueError, TypeError, OverflowError) as error:
        raise broken(f"{name} is not YAML: {' '.join(str(error).split())}; correct it") from None
    except RecursionError:
        raise broken(f"{name} is nested too deeply: correct it") from None


def dumped(content: Any, *, width: float = 80) -> str:
    """Return YAML that reads back equal, in the given order.

    PyYAML writes U+0085 as a line break and reads it back as a blank, unless it escapes all that is not ASCII.
    """
    text = yaml.safe_dump(content, sort_keys=False, allow_unicode=True, default_flow_style=False, width=width)
    if "\x85" not in text:
        return str(text)
    return str(yaml.safe_dump(content, sort_keys=False, default_flow_style=False, width=width))
