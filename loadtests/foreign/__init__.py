"""Clients of other people's servers, which have no cursors: the users of each transport, for their dialects."""
