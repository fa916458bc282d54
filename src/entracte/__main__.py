"""`python -m entracte` is the command `entracte`."""

from entracte.cli import main

main()
