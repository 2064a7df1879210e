"""What is offered: schedules, arrivals, traces, shapes of the load."""
