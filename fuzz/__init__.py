"""Fuzz targets: what a stranger can send, and what must hold whatever it is.

`targets` is the table; each one is a function of bytes that fails when something other than a refusal comes out, or
when what was accepted is not what it should be. `seeds` writes the first inputs into `corpus/`, valid and invalid ones.
`make fuzz` looks for new ones with atheris and puts what fails into the corpus; every run of the tests replays it.
"""
