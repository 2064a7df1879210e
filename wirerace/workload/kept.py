"""What is kept: by the producer's record, and by every server for clients that were away."""

PART_UPDATES = 250_000
PARTS = 4
"""The producer's record has the last million updates at most, in parts. The oldest part is dropped whole."""
RECORD_UPDATES = PART_UPDATES * (PARTS - 1)
"""The updates that the record has at least: it begins a new part before it drops the oldest."""
FILE_UPDATES = PART_UPDATES * PARTS // 2
"""The updates that its file has at least, and so the record of a producer that was killed and has begun again."""
KEEP_UPDATES = 65_536
KEEP_BYTES = 64 * 1024 * 1024
"""What a server keeps of all channels together, for clients that come back: updates, and bytes of them."""
