"""What people see of results: tables and progress in the terminal."""
