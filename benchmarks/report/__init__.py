"""The report: a page and pictures, made of the JSON files that pytest-benchmark writes.

``python -m benchmarks.report`` makes ``docs/benchmarks.md`` of ``benchmarks/results``, and with
``--against`` compares a run with one of them. Results are read to a DataFrame (`runs`); the page
(`page`) has a section a suite (`sections`), with pictures (`charts` says of what, `pictures` how).
"""
