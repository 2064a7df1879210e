"""What an answer to a poll brought."""

from tests.contract.clients import Update, split_batch
from tests.contract.raw import Answer


def seqs(answer: Answer) -> list[int]:
    """Return the numbers of the updates in an answer, in order."""
    return [Update.parse(encoded).seq for encoded in split_batch(answer.body)]
