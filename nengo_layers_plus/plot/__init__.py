"""
Pictures of networks and of what they do.

matplotlib draws them: ``pip install "nengo-layers-plus[plot]"``. It is imported when a picture is
drawn. Each function draws in the axes that it is given with ``ax=``, or in a new figure, and
returns the axes. None of them shows anything, or changes matplotlib's settings.
"""

from nengo_layers_plus.plot._activity import raster, rates
from nengo_layers_plus.plot._divergence import divergence
from nengo_layers_plus.plot._history import history
from nengo_layers_plus.plot._network import network
from nengo_layers_plus.plot._tuning import tuning

__all__ = ["divergence", "history", "network", "raster", "rates", "tuning"]
