"""``python -m tdgnas``."""

import sys
from pathlib import Path

if __name__ == "__main__":
    if sys.path[:1] == [str(Path.cwd())]:
        sys.path.append(sys.path.pop(0))  # Python puts it first; it must not hide installed packages
    from .cli import main

    main()
