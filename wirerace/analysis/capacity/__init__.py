"""Capacity: what a trial says of a value, which value is tried next, and what was found."""
