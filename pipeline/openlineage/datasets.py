"""Names and describes datasets by OpenLineage's naming rules: tables, files and topics."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

from openlineage.client.event_v2 import InputDataset, OutputDataset
from openlineage.client.facet_v2 import (
    data_quality_assertions_dataset,
    dataset_version_dataset,
    datasource_dataset,
    input_statistics_input_dataset,
    output_statistics_output_dataset,
    schema_dataset,
)
from openlineage.client.naming.dataset import LocalFileSystem, Postgres

from pipeline.openlineage.warehouse_reader import WarehouseReader

Assertion: TypeAlias = data_quality_assertions_dataset.Assertion


@dataclass
class Described:
    """What some work reads and writes."""

    inputs: list[InputDataset] = field(default_factory=list)
    outputs: list[OutputDataset] = field(default_factory=list)


@dataclass(frozen=True)
class Dataset:
    """A dataset's namespace and name, with the facets that do not depend on whether it is read or written."""

    namespace: str
    name: str
    facets: dict[str, Any]

    def as_input(
        self, *, rows: int | None = None, files: int | None = None, assertions: list[Assertion] | None = None
    ) -> InputDataset:
        """Return it as an input, with the rows and files that were read and the results of checks."""
        facets: dict[str, Any] = {}
        if rows is not None or files is not None:
            facets["inputStatistics"] = input_statistics_input_dataset.InputStatisticsInputDatasetFacet(
                rowCount=rows, fileCount=files
            )
        if assertions:
            facets["dataQualityAssertions"] = data_quality_assertions_dataset.DataQualityAssertionsDatasetFacet(
                assertions=assertions
            )
        return InputDataset(namespace=self.namespace, name=self.name, facets=dict(self.facets), inputFacets=facets)

    def as_output(self, *, rows: int | None = None, size: int | None = None) -> OutputDataset:
        """Return it as an output, with the rows and bytes that were written."""
        facets: dict[str, Any] = {}
        if rows is not None or size is not None:
            facets["outputStatistics"] = output_statistics_output_dataset.OutputStatisticsOutputDatasetFacet(
                rowCount=rows, size=size
            )
        return OutputDataset(namespace=self.namespace, name=self.name, facets=dict(self.facets), outputFacets=facets)


def table(reader: WarehouseReader, schema: str, name: str, *, version: str | None = None) -> Dataset:
    """Return a table or view with its columns; `version` says which state of it was read.

    Columns whose names hold a value of a row are left out: the probabilities of classes.
    """
    rule = Postgres(reader.host, reader.port, reader.database, schema, name)
    namespace = rule.get_namespace()
    facets: dict[str, Any] = {"dataSource": datasource_dataset.DatasourceDatasetFacet(name=namespace, uri=namespace)}
    if columns := [column for column in reader.columns(schema, name) if not _names_class(schema, column[0])]:
        fields = [
            schema_dataset.SchemaDatasetFacetFields(name=column, type=kind, ordinal_position=position, fields=None)
            for position, (column, kind) in enumerate(columns, 1)
        ]
        facets["schema"] = schema_dataset.SchemaDatasetFacet(fields=fields)
    return Dataset(namespace, rule.get_name(), facets | _version(version))


def file(path: Path | str, *, version: str | None = None) -> Dataset:
    """Return a file or folder of this machine."""
    rule = LocalFileSystem(str(path))
    return Dataset(rule.get_namespace(), rule.get_name(), _version(version))


def topic(servers: list[str], name: str) -> Dataset:
    """Return a topic; the first of several brokers names the cluster."""
    return Dataset(f"kafka://{servers[0]}", name, {})


def _names_class(schema: str, column: str) -> bool:
    """Return whether a column of predictions is named after a class, which is a value of the label."""
    return schema == "predictions" and column.startswith("probability_")


def _version(version: str | None) -> dict[str, Any]:
    if version is None:
        return {}
    return {"version": dataset_version_dataset.DatasetVersionDatasetFacet(datasetVersion=version)}
