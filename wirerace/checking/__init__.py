"""The delivery contract as checks: a producer of our own, clients of each transport, a function for each promise."""
