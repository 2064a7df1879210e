"""The serving side: one module, one container; `python -m services NAME` runs one."""
