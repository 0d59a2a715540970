"""Kills a program at one of its system calls: counted over all of its threads, in the order in which they happen.

strace could inject the signal too, but counts each thread's calls, and each call's name, by themselves: points where
two threads take turns would never be tried.
"""

import ctypes
import os
import signal

TRACEME, SYSCALL, SETOPTIONS, GET_SYSCALL_INFO = 0, 24, 0x4200, 0x420E
TRACESYSGOOD, TRACEFORK, TRACEVFORK, TRACECLONE, EXITKILL = 0x1, 0x2, 0x4, 0x8, 0x100000
SYSCALL_STOP = signal.SIGTRAP | 0x80
WAIT_FOR_THREADS = 0x40000000  # __WALL
ENTRY = 1

_libc = ctypes.CDLL(None, use_errno=True)
_libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
_libc.ptrace.restype = ctypes.c_long


def _ptrace(request, thread, data=0, size=0):
    # A thread may be gone before it is spoken to: then it needs no answer.
    _libc.ptrace(request, thread, size, data)


def kill_at(point, arguments, environment):
    """
    Runs a program to the `point`th system call after its exec (1 is the first), which it does not make: it is killed.
    True if it was; False if it came to its end in fewer calls. Its output is lost. For one thread at a time.
    """
    pid = _start(arguments, environment)
    os.waitpid(pid, 0)
    _ptrace(SETOPTIONS, pid, TRACESYSGOOD | TRACEFORK | TRACEVFORK | TRACECLONE | EXITKILL)
    _ptrace(SYSCALL, pid)
    entered = 0
    while True:
        thread, status = os.waitpid(-1, WAIT_FOR_THREADS)
        if not os.WIFSTOPPED(status):
            if thread == pid:
                return os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
            continue
        stop = os.WSTOPSIG(status)
        if stop == SYSCALL_STOP and _is_entry(thread):
            entered += 1
            if entered == point:
                os.kill(pid, signal.SIGKILL)
                continue
        passed_on = stop not in (SYSCALL_STOP, signal.SIGTRAP, signal.SIGSTOP)
        _ptrace(SYSCALL, thread, stop if passed_on else 0)


def _is_entry(thread):
    info = ctypes.create_string_buffer(88)
    _ptrace(GET_SYSCALL_INFO, thread, info, len(info))
    return info.raw[0] == ENTRY


def _start(arguments, environment):
    pid = os.fork()
    if pid == 0:
        try:
            nowhere = os.open(os.devnull, os.O_RDWR)
            for stream in range(3):
                os.dup2(nowhere, stream)
            _ptrace(TRACEME, 0)
            os.execve(arguments[0], arguments, environment)
        finally:
            os._exit(127)
    return pid
