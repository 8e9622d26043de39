"""Benchmarks beside other libraries for spiking networks, each in an environment of its own.

Each library, and ours, is a process that lives as long as the benchmarks and does what it is told,
so that all of them can be measured in turns while only one computes. The modules ``*_peer.py`` run
in the environments of the libraries. They, and what they import, need no more than NumPy besides.
"""
