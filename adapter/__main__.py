"""`python -m adapter` is the `adapter` command."""

from adapter.cli import main

main()
