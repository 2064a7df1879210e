"""Promises are declared once: each has words, a section of the contract that exists, and an id of its own."""

import re
from collections import Counter
from pathlib import Path

import pytest

import wirerace.checking.promises
from wirerace.checking.promise import PROMISES, Promise, promises_of
from wirerace.transports import TRANSPORTS

CONTRACT = (Path(__file__).parents[2] / "docs" / "contract.md").read_text()
SECTIONS = dict(re.findall(r"^## (.+?)\n(.*?)(?=^## |\Z)", CONTRACT, re.MULTILINE | re.DOTALL))


def test_each_group_declares_promises() -> None:
    groups = Counter(promise.keep.__module__.rpartition(".")[2] for promise in PROMISES)
    assert set(wirerace.checking.promises.GROUPS) == groups.keys()


@pytest.mark.parametrize("promise", PROMISES, ids=lambda promise: promise.id)
def test_promise_is_one_sentence_and_its_section_exists(promise: Promise) -> None:
    assert promise.sentence.endswith(".")
    assert len(promise.sentence) <= 110
    assert promise.keep.__doc__
    heading, _, part = promise.section.partition(": ")
    assert part in SECTIONS[heading]


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_ids_are_unique(transport: str) -> None:
    ids = [promise.id for promise in promises_of(transport)]
    assert len(set(ids)) == len(ids) > 40
