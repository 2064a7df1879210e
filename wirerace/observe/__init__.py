"""What is counted: ledgers, accounts, histograms, metrics, what the kernel counts on connections and processes."""
