"""
Gives a command a terminal inside its sandbox: python3 -c PROGRAM ROWS COLUMNS COMMAND ARGUMENTS...

What is typed comes on descriptor 3, what the terminal shows goes to 4, and window sizes come on 5, a line "ROWS COLUMNS"
each. It runs as the app's own user: the host allocates nothing, and its agent passes bytes. Ends as the command ends.
"""

import fcntl
import os
import pty
import select
import signal
import struct
import sys
import termios

TYPED, SHOWN, SIZES = 3, 4, 5
CHUNK = 65536
# More than a person types; beyond it what is typed waits in its pipe.
MOST_PENDING = 1 << 20


def set_size(terminal, rows, columns):
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))


def write_all(descriptor, data):
    while data:
        data = data[os.write(descriptor, data):]


def read_now(descriptor):
    try:
        return os.read(descriptor, CHUNK)
    except BlockingIOError:
        return None
    except OSError:  # EIO: nobody has the other side open any more
        return b""


def start(rows, columns, command):
    pid, terminal = pty.fork()
    if pid == 0:
        for descriptor in (TYPED, SHOWN, SIZES):
            os.close(descriptor)
        set_size(0, rows, columns)
        os.execv(command[0], command)
    os.set_blocking(terminal, False)
    return pid, terminal


def hang_up(pid, terminal):
    for kind, group in ((signal.SIGTERM, None), (signal.SIGHUP, pid)):
        try:
            os.killpg(os.tcgetpgrp(terminal) if group is None else group, kind)
        except OSError:
            pass


def take_size(terminal, text):
    numbers = text.split()
    if len(numbers) == 2 and all(number.isdigit() and int(number) < 10000 for number in numbers):
        set_size(terminal, int(numbers[0]), int(numbers[1]))


def copy(pid, terminal, wake):
    """Until the command has ended, or nobody has its terminal open any more."""
    sources, pending, sizes = [TYPED, SIZES, terminal, wake], b"", b""
    while True:
        readable = [s for s in sources if s != TYPED or len(pending) < MOST_PENDING]
        ready, writable, _ = select.select(readable, [terminal] if pending else [], [])
        if wake in ready:
            for number in os.read(wake, 64):
                if number in (signal.SIGTERM, signal.SIGHUP):
                    hang_up(pid, terminal)
            if os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT):
                break
        if terminal in ready:
            shown = read_now(terminal)
            if shown == b"":
                break
            if shown:
                write_all(SHOWN, shown)
        if TYPED in ready:
            typed = os.read(TYPED, CHUNK)
            if typed == b"":
                sources.remove(TYPED)
                hang_up(pid, terminal)
            pending += typed
        if terminal in writable:
            try:
                pending = pending[os.write(terminal, pending):]
            except BlockingIOError:
                pass
        if SIZES in ready:
            said = os.read(SIZES, CHUNK)
            if said == b"":
                sources.remove(SIZES)
            *lines, sizes = (sizes + said).split(b"\n")
            sizes = sizes[:100]
            for line in lines:
                take_size(terminal, line)


def show_the_rest(terminal):
    while shown := read_now(terminal):
        write_all(SHOWN, shown)


def main():
    wake, waker = os.pipe()
    for descriptor in (wake, waker):
        os.set_blocking(descriptor, False)
    signal.set_wakeup_fd(waker)
    for kind in (signal.SIGCHLD, signal.SIGTERM, signal.SIGHUP):
        signal.signal(kind, lambda *_: None)
    pid, terminal = start(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:])
    try:
        copy(pid, terminal, wake)
        show_the_rest(terminal)
    except BrokenPipeError:  # whoever watched has gone
        hang_up(pid, terminal)
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    sys.exit(code if code >= 0 else 128 - code)


main()
