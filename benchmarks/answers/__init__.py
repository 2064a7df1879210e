"""Answers: each shipped question, measured, and its page in docs/answers/."""
