"""What is counted: ledgers, accounts, histograms, metrics, what the kernel tells of connections and processes."""
