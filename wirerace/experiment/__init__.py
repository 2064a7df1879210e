"""Experiments: read from TOML, run on a target, recorded in result.json. The only part that starts processes."""
