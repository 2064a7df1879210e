"""Targets: where the producer, the servers and the load of an experiment run."""
