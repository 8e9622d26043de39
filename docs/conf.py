"""Sphinx configuration: ``sphinx-build -W -b html docs docs/_build/html``."""

from __future__ import annotations

import ast
import doctest
import logging
import os
import sys
from pathlib import Path

from sphinx.application import Sphinx

# Read the package of this checkout, and keep TensorFlow's log out of the build's output.
sys.path.insert(0, str(Path(__file__).parents[1]))
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from nengo_layers_plus import __version__

logging.getLogger("nengo_dl").setLevel(logging.WARNING)  # a line for each array, else

project = "nengo_layers_plus"
author = "The nengo_layers_plus contributors"
project_copyright = f"2026 {author}"
version = release = __version__

# No intersphinx: the build needs no network.
extensions = [
    "matplotlib.sphinxext.plot_directive",
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.doctest",
    "sphinx.ext.napoleon",
    "sphinx_copybutton",
]
exclude_patterns = ["_build", "_modules.md", "_plots"]
default_role = "py:obj"  # `CustomLayer` in a docstring is a link

autodoc_member_order = "bysource"
autodoc_typehints = "none"  # types stand in the docstrings
napoleon_google_docstring = False
napoleon_use_rtype = False

myst_enable_extensions = ["deflist"]
myst_heading_anchors = 3

# `sphinx-build -b doctest docs docs/_build/doctest` runs the examples of all pages and docstrings.
doctest_default_flags = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
# A warning that an example does not expect is an error.
doctest_global_setup = """
import warnings
_warnings_kept = warnings.catch_warnings()
_warnings_kept.__enter__()
warnings.simplefilter("error")
warnings.filterwarnings("ignore", "No GPU support detected")
"""
doctest_global_cleanup = "_warnings_kept.__exit__(None, None, None)"

plot_formats = ["png"]
plot_html_show_formats = False
plot_html_show_source_link = False

copybutton_prompt_text = r">>> |\.\.\. |\$ "
copybutton_prompt_is_regexp = True

html_theme = "furo"
html_title = f"nengo_layers_plus {release}"


def list_modules(_: Sphinx) -> None:
    """Write what the modules of the package say of themselves, for "How it works inside"."""
    root = Path(__file__).parents[1] / project
    lines = ["| module | subject |", "| --- | --- |"]
    for path in sorted(root.rglob("*.py"), key=lambda path: (path.parent, path.name)):
        if path.name.startswith("__") or path.parent == root:
            continue
        subject = ast.get_docstring(ast.parse(path.read_text("utf-8"))).splitlines()[0]
        lines.append(f"| `{path.relative_to(root).as_posix()}` | {subject} |")
    Path(__file__).with_name("_modules.md").write_text("\n".join(lines) + "\n", "utf-8")


def setup(app: Sphinx) -> None:
    """Called by Sphinx."""
    app.connect("builder-inited", list_modules)
