"""Pure values of a result: trials, samples, raw records, result.json."""
