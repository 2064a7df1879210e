"""What results say: theory, statistics, verdict. Computes; opens no socket and starts no process."""
