"""The receiving side: Locust users on lean clients of our own. They only receive and keep account."""
