"""Files: written whole or not at all, growing by lines, with digests and a lock; none leads out of its folder."""

from typing import Any, TypeAlias

Json: TypeAlias = dict[str, Any]
"""A JSON object: numbers, texts, lists and further objects by name; a configuration, a record, a result."""
State: TypeAlias = dict[str, Any]
"""What a checkpoint holds by name: JSON values, tuples, arrays and tensors."""
