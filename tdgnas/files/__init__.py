"""Files: written whole or not at all, growing by lines, with digests and a lock; none leads out of its folder."""
