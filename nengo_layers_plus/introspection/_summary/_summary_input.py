"""A connection into a layer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import nengo


@dataclass(frozen=True, eq=False)
class SummaryInput:
    """
    A connection into a layer.

    Parameters
    ----------
    connection : nengo.Connection
        The connection.
    source : str
        The name of the object that it comes from.
    transform : str
        What it multiplies by, in words.
    synapse_set_by, transform_set_by : str
        What set its synapse and its transform: the call of a layer, one of its hooks or arguments,
        the configuration of a network, the connection itself, or nengo's default.
    """

    connection: nengo.Connection
    source: str
    transform: str
    synapse_set_by: str
    transform_set_by: str

    @property
    def synapse(self) -> Any:
        """Its synapse; None if it has none."""
        return self.connection.synapse
