"""Polling other people's servers."""

from loadtests.foreign.asking import ForeignAskingUser
from loadtests.polling import PollingUser


class ForeignPollingUser(ForeignAskingUser, PollingUser):
    """Asks every `interval_seconds`, and then until there is nothing new: a server may give one update at a time."""

    __slots__ = ("holding", "newest", "validators")
    asks_until_empty = True
