"""
A network as data: objects, edges, shapes, the settings in force, what is trained.

Layers, checks and reports all ask here, so that every such question has one answer.
"""

from nengo_layers_plus.graph._gradient_flow import passes_operator
from nengo_layers_plus.graph._network_graph import NetworkGraph, alike_parts
from nengo_layers_plus.graph._parameters import Parameter
from nengo_layers_plus.graph._report import Line, Report, Table, plain, render
from nengo_layers_plus.graph._settings import Setting, may_train
from nengo_layers_plus.graph._shapes import Shape, declare_shape, shape_of, shape_through, size_of
from nengo_layers_plus.graph._structure import GraphEdge, GraphObject
from nengo_layers_plus.graph._training import (
    GradientStop,
    TrainingReport,
    gradient_stops,
    trained_through,
    what_trains,
)
from nengo_layers_plus.graph._words import (
    in_words,
    listed,
    network_in_words,
    number,
    range_of,
    range_of_names,
)

__all__ = [
    "GradientStop",
    "GraphEdge",
    "GraphObject",
    "Line",
    "NetworkGraph",
    "Parameter",
    "Report",
    "Setting",
    "Shape",
    "Table",
    "TrainingReport",
    "alike_parts",
    "declare_shape",
    "gradient_stops",
    "in_words",
    "listed",
    "may_train",
    "network_in_words",
    "number",
    "passes_operator",
    "plain",
    "range_of",
    "range_of_names",
    "render",
    "shape_of",
    "shape_through",
    "size_of",
    "trained_through",
    "what_trains",
]
