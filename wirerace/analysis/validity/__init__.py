"""Validity: whether a trial is valid. One file for each subject; `verdict.py` lists them."""
