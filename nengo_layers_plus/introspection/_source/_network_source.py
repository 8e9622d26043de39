"""The plain code that builds a network."""

from __future__ import annotations

import html
import itertools
import linecache
import os
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import safetensors.numpy
from nengo.exceptions import ValidationError
from rich.syntax import Syntax

from nengo_layers_plus.introspection._source._contents import SourceError
from nengo_layers_plus.parameters._atomic_file import write_atomically

_NUMBERS = itertools.count(1)


class NetworkSource:
    """
    Plain code that builds a network, as `to_source` returns it.

    ``str(source)`` is the code.

    Parameters
    ----------
    code : str
        The text of a module with a function ``build``.
    arrays : mapping of str to numpy.ndarray
        Arrays that are too long to stand in the code.
    arguments : mapping of str to str
        The names that ``build`` asks for, each with what it is and why it can't be written.
    values : mapping of str to object
        What these arguments were in the network that was written.

    Attributes
    ----------
    code, arrays, arguments, values
        As given.

    Examples
    --------
    >>> import nengo
    >>> from nengo_layers_plus import CustomLayer, to_source
    >>> with nengo.Network(seed=0) as net:
    ...     image = nengo.Node([0.5, 1.0], label="image")
    ...     nengo.Probe(CustomLayer(nengo.LIF(), label="hidden")(image))  # doctest: +ELLIPSIS
    <Probe at ...>
    >>> print(to_source(net))
    \"""Build a network.\"""
    <BLANKLINE>
    import nengo
    <BLANKLINE>
    <BLANKLINE>
    def build():
        \"""Build a network.\"""
        with nengo.Network(seed=0) as network:
            image = nengo.Node([0.5, 1.0], label="image")
            hidden = nengo.Ensemble(2, 1, label="hidden")
            nengo.Connection(image, hidden.neurons, synapse=None)
            nengo.Probe(hidden.neurons)
        return network
    <BLANKLINE>
    >>> to_source(net).build().n_neurons
    2
    """  # noqa: D300

    def __init__(
        self,
        code: str,
        arrays: Mapping[str, np.ndarray] = MappingProxyType({}),
        arguments: Mapping[str, str] = MappingProxyType({}),
        values: Mapping[str, Any] = MappingProxyType({}),
    ) -> None:
        self.code = code
        self.arrays = dict(arrays)
        self.arguments = dict(arguments)
        self.values = dict(values)
        self._build: Any = None

    def build(self, **arguments: Any) -> Any:
        """
        Run the code.

        Parameters
        ----------
        **arguments
            A value for each of ``arguments``; ``source.build(**source.values)`` takes those of
            the network that was written.

        Returns
        -------
        built : nengo.Network or object
            A new network each time; of a call of a layer, what that returned.

        Raises
        ------
        nengo.exceptions.ValidationError
            If an argument is missing, or there is none of the name.
        """
        missing = [name for name in self.arguments if name not in arguments]
        unknown = [name for name in arguments if name not in self.arguments]
        if missing or unknown:
            listed = "".join(f"\n  {name}: {why}" for name, why in self.arguments.items())
            raise ValidationError(
                f"expected {', '.join(self.arguments) or 'no arguments'}, got "
                f"{', '.join(arguments) or 'none'}{listed}",
                attr="build",
                obj=self,
            )
        if self._build is None:
            self._build = _run(self.code)["build"]
        more = {"arrays": dict(self.arrays)} if self.arrays else {}
        return self._build(**arguments, **more)

    def save(self, path: str | os.PathLike[str]) -> None:
        """
        Write the code to a file, and the arrays beside it, each whole or not at all.

        The module reads the arrays when its ``build`` is called without them.

        Parameters
        ----------
        path : str or os.PathLike
            Where to, such as ``"net.py"``. The arrays go to a safetensors file of the same name,
            ``"net.safetensors"``, which is written if there are any.

        Raises
        ------
        nengo.exceptions.ValidationError
            If the name does not end in ``.py``.
        OSError
            If it can't be written.

        Examples
        --------
        >>> import runpy
        >>> import tempfile
        >>> import nengo
        >>> import numpy as np
        >>> from nengo_layers_plus import to_source
        >>> with nengo.Network() as net:
        ...     node = nengo.Node(np.arange(100.0))
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     to_source(net).save(f"{folder}/net.py")
        ...     built = runpy.run_path(f"{folder}/net.py")["build"]()
        >>> built.nodes[0].size_out
        100
        """
        file = Path(path) if isinstance(path, str | os.PathLike) else Path()
        if file.suffix != ".py":
            raise SourceError(
                f"expected the name of a file that ends in .py, got {path!r}",
                attr="path",
                obj=self,
            )
        if self.arrays:
            write_atomically(file.with_suffix(".safetensors"), safetensors.numpy.save(self.arrays))
        write_atomically(file, self.code.encode())

    def __str__(self) -> str:
        return self.code

    def __repr__(self) -> str:
        lines = self.code.count("\n")
        asks = f", asks for {', '.join(self.arguments)}" if self.arguments else ""
        size = sum(array.nbytes for array in self.arrays.values())
        beside = f", {len(self.arrays)} arrays of {size} bytes" if self.arrays else ""
        return f"<{type(self).__name__}: {lines} lines{beside}{asks}>"

    def __rich__(self) -> Syntax:
        """Show it in colours with `rich.print`."""
        return Syntax(self.code, "python")

    def _repr_html_(self) -> str:
        return f"<pre><code>{html.escape(self.code)}</code></pre>"


def _run(code: str) -> dict[str, Any]:
    """Run the text of a module; errors in it, and `inspect`, show its lines."""
    name = f"<network source {next(_NUMBERS)}>"
    linecache.cache[name] = (len(code), None, code.splitlines(keepends=True), name)
    namespace: dict[str, Any] = {"__name__": "network_source"}
    exec(compile(code, name, "exec", dont_inherit=True), namespace)
    return namespace
