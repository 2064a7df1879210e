"""The delivery contract as checks: a producer of our own, clients of each transport, and one function for each promise."""
