"""The cost model: what a poll, a held poll, an event, a line and a frame cost, fitted on a sweep (docs/advice.md).

`observations` takes from results what `fit` needs, `model` is what it finds, `estimate` predicts from that, and
`flips` says where the answer changes.
"""
