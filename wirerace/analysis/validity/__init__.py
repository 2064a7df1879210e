"""Validity: whether a trial is to be believed. One file for each subject; `verdict.py` lists them."""
