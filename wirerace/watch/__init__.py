"""The live page: a browser subscribes to every transport at once, and its controls change what runs beneath it."""
