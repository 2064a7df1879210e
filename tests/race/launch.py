"""Runs a command of Wirerace as a shell in a terminal does: it heeds every signal, whatever the tests were started by.

Under `nohup` a new process ignores SIGHUP. A terminal given as stderr becomes its own, and hangs it up when it closes.
"""

import fcntl
import os
import signal
import termios

from wirerace.__main__ import main

for number in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM):
    signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)
if os.isatty(2):
    fcntl.ioctl(2, termios.TIOCSCTTY, 0)
main()
