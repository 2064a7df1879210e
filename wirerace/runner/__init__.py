"""Running experiments: trials step by step, on processes of one machine or on the stack."""
