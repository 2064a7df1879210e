"""What an experiment file says, as values, and how it is read."""
