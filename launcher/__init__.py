"""Starts Offpolicy Lab on one machine: database, broker, web server, workers (`python -m launcher`)."""
