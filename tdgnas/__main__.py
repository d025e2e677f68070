"""``python -m tdgnas``."""

from .cli import main

main()
