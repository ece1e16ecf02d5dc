"""What a source that is modelled already keeps while its design is made again."""

from __future__ import annotations

from typing import Protocol

from pipeline.modelling.deciding.keys.candidates import KeyChoice
from pipeline.modelling.deciding.naming.names import Names
from pipeline.modelling.deciding.structure.tables import Structure
from pipeline.modelling.design import Decision
from pipeline.modelling.flags import Flags
from pipeline.modelling.profiling.profile import Profile


class Held(Protocol):
    """The decisions that stay, whatever the documents would suggest."""

    @property
    def paths(self) -> frozenset[Names]:
        """The paths of columns and elements that stay: what leads to them stays an object, an array or a map."""

    @property
    def others(self) -> frozenset[Names]:
        """The paths of fields that stay in `other_fields`."""

    def flags(self, asked: Flags) -> Flags:
        """Return the flags that the user gives now with those that the decisions amount to."""

    def key_and_version(self, profile: Profile, asked: Flags) -> tuple[KeyChoice, Decision]:
        """Return the key and the decision about the version."""

    def apply(self, found: Structure) -> None:
        """Give the draft tables and columns the names and types that stay, and remove what is not adopted."""
