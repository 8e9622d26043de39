"""Benchmarks beside other libraries for spiking networks, each in an environment of its own.

Each library, and ours, is a process that obeys commands, so that all are measured in turns. The
modules ``*_peer.py`` run in the environments of the libraries, and import NumPy alone besides.
"""
