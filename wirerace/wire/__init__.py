"""What travels, without I/O: updates and cursors, WebSocket frames."""
