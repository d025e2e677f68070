"""Things that are broken on purpose, by kind, for the tests of the kit."""
