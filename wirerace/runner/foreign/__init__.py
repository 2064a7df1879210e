"""Other people's servers in a trial: found or started, looked at before clients come, and sampled from outside."""
