"""Names that users give, as names of files."""

from __future__ import annotations

import re

_LONGEST = 100
# What Windows keeps for devices, with any suffix.
_RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)


def path_component(label: str, what: str = "label") -> str:
    """Return a user's label when it can name one file or folder inside another one, on any system.

    :param label: what the user gave.
    :param what: what it is called in the message.
    :raises ValueError: for a label that is empty, too long, starts with a dot, ends in a dot or a space, is a name
        that systems keep for themselves, or has a character other than letters, digits, spaces and ``_.+@-``.

    >>> path_component("tdga-gp")
    'tdga-gp'
    """
    wrong = next((c for c in label if not (c.isalnum() or c in " _.+@-")), None)
    if wrong is not None:
        reason = f"{wrong!r} is no letter or digit, and none of '_.+@-'"
    elif not label or len(label.encode()) > _LONGEST:
        reason = f"it has {len(label.encode())} bytes, not 1 to {_LONGEST}"
    elif label.startswith((".", " ", "-")) or label.endswith((".", " ")):
        reason = "it starts with a dot, a space or a dash, or ends in a dot or a space"
    elif _RESERVED.fullmatch(label):
        reason = "some systems keep it for themselves"
    else:
        return label
    raise ValueError(
        f"the {what} {label!r} cannot name a file ({reason}); choose another, such as 'first-try'"
    )
