"""The receiving side: Locust users on lean clients of our own; each does nothing but receive and account."""
