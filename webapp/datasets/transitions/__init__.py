"""Data sets of transitions: uploads and imports, collecting, their pages."""
