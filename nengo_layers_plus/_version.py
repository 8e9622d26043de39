"""The version of this package, where setup.cfg and all modules read it."""

__version__ = "0.1.0"
