"""Starts Offpolicy Lab on one machine: database, broker, web server and workers."""
