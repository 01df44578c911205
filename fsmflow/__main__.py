"""``python -m fsmflow``: the same as the ``fsmflow`` command."""

from __future__ import annotations

from fsmflow.cli import main

if __name__ == "__main__":
    main()
