"""Wirerace's own speed, side by side with references: `python -m benchmarks`."""
