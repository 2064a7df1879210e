"""Charts as values, a module for each question: how soon, how fresh, at what cost, and how it changes."""
