"""One target under atheris: `python -m fuzz.one TARGET FOLDER… -option=…`, as libFuzzer's command line."""

import sys

import atheris  # type: ignore[import-untyped, unused-ignore]  # and not there on every platform


def main() -> None:
    name, *rest = sys.argv[1:]
    with atheris.instrument_imports(include=["entracte", "joserfc"]):
        from fuzz.targets import TARGETS  # noqa: PLC0415  only what is imported here is watched
    atheris.Setup([sys.argv[0], *rest], TARGETS[name])
    atheris.Fuzz()


if __name__ == "__main__":
    main()
