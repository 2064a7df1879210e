"""Reading the machine: limits, clocks, loopback, kernel memory, and the doctor, which checks all of it."""
