"""The corpora of the fuzz targets, replayed without atheris: what was found once stays mended."""

import time
from pathlib import Path

import pytest

from fuzz.seeds import CORPUS, SEEDS
from fuzz.targets import TARGETS

LONGEST_SECONDS = 5.0
"""Of work for one input, whatever else the machine does."""


def inputs(target: str) -> list[Path]:
    return sorted((CORPUS / target).iterdir())


def test_every_target_has_its_corpus() -> None:
    assert set(TARGETS) == set(SEEDS) == {folder.name for folder in CORPUS.iterdir()}
    assert {target: len(inputs(target)) for target in TARGETS if len(inputs(target)) < 20} == {}


@pytest.mark.parametrize("target", TARGETS)
def test_the_corpus_of_a_target(target: str) -> None:
    for path in inputs(target):
        begun = time.process_time()
        try:
            TARGETS[target](path.read_bytes())
        except Exception as failure:
            pytest.fail(f"{path.name}: {failure!r}")
        assert time.process_time() - begun < LONGEST_SECONDS, path.name
