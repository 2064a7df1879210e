"""Wirerace: how should a server deliver updates to its clients? Measured, and checked against theory."""

__version__ = "0.1.0"
