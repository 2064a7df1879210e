"""Browsers as clients: real Chromium tabs beside the synthetic clients of a trial."""
