"""Plug-ins for tdgnas; the entry points in pyproject.toml give them their names."""
