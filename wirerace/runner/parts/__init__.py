"""Parts of a trial: processes and containers, each started, watched, killed, stalled and sampled alike."""
