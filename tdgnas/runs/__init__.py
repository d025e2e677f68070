"""A run as a folder: configuration, records, checkpoint and resume, report."""
