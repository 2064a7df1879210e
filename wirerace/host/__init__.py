"""Reading the machine: limits, clocks, loopback, kernel memory, and the doctor that looks at all of it."""
