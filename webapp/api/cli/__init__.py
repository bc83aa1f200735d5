"""The command line: a thin client of the REST API; needs neither Django nor a database."""
