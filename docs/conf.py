"""Sphinx configuration: ``sphinx-build -W -b html docs docs/_build/html``."""

from __future__ import annotations

import doctest
import logging
import os
import sys
from pathlib import Path

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
exclude_patterns = ["_build", "_plots"]
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
