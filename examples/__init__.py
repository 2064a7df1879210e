"""Servers to start from, each in one file: docs/your_own_server.md."""
