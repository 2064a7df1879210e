"""Runs a command of Wirerace as a shell in a terminal does: it obeys every signal, even if the tests ignore some.

Under `nohup` a new process ignores SIGHUP. A terminal as stderr becomes its own, whose end sends SIGHUP.
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
