"""How Hypothesis works here: a machine that does other things at the same time is no fault of the code.

`twins` is for the check that each file is covered by its twin: by examples that are always the same, and few of them.
"""

from hypothesis import settings

settings.register_profile("protocol", deadline=None)
settings.register_profile("twins", deadline=None, derandomize=True, max_examples=5)
settings.load_profile("protocol")
