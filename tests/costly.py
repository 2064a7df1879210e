"""Properties whose inputs take 15 to 80 ms each are tried on a quarter as many of them, but never on fewer than 20."""

from hypothesis import settings

FEWEST = 20
costly = settings(max_examples=max(FEWEST, settings().max_examples // 4))
