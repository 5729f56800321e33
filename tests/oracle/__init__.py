"""The oracle: after whatever happened, a host looks as after a fresh start with the last configuration file."""
