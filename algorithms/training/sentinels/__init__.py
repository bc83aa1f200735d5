"""A training watches itself: rules over what it logs, alarms, and the way back to good weights."""
