"""Properties whose inputs take 15 to 80 ms each are tried on a part of the inputs only, but never on fewer than 20."""

from hypothesis import settings

FEWEST = 20


def costly(*, one_in: int = 4) -> settings:
    """Return the settings of such a property: it is tried on this part of the number of inputs that others get."""
    return settings(max_examples=max(FEWEST, settings().max_examples // one_in))
