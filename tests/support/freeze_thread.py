"""Stops one thread of a process, as a driver that never returns does.

usage: freeze_thread.py TID

Says "frozen", and holds it until standard input ends. Nobody waits for the
thread, so that a process that is killed meanwhile stays, half dead, like one
that is stuck inside the kernel.
"""

import ctypes
import os
import sys

PTRACE_SEIZE = 0x4206
PTRACE_INTERRUPT = 0x4207
WALL = 0x40000000

libc = ctypes.CDLL(None, use_errno=True)
libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
thread = int(sys.argv[1])
for request in (PTRACE_SEIZE, PTRACE_INTERRUPT):
    if libc.ptrace(request, thread, None, None) != 0:
        print("ptrace:", os.strerror(ctypes.get_errno()), flush=True)
        sys.exit(1)
os.waitpid(thread, WALL)
print("frozen", flush=True)
sys.stdin.read()
