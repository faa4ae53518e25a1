import ctypes
import os

from attempts import attempt, call, libc

ATTACH, SEIZE = 16, 0x4206


class Span(ctypes.Structure):
    _fields_ = [("base", ctypes.c_void_p), ("length", ctypes.c_size_t)]


def first_mapping(pid):
    with open(f"/proc/{pid}/maps") as maps:
        return int(maps.readline().split("-")[0], 16)


def read_mem(pid):
    with open(f"/proc/{pid}/mem", "rb", buffering=0) as memory:
        memory.seek(0x400000)
        return memory.read(16)


def vm(function, pid, address):
    own = ctypes.create_string_buffer(16)
    here, there = Span(ctypes.addressof(own), 16), Span(address, 16)
    return call(function, pid, ctypes.byref(here), 1, ctypes.byref(there), 1, 0)


attempt("/proc/1/mem", lambda: read_mem(1))
attempt("process_vm_readv", lambda: vm(libc.process_vm_readv, 1, 0x400000))
attempt("process_vm_writev", lambda: vm(libc.process_vm_writev, 1, 0x400000))
attempt("attach", lambda: call(libc.ptrace, ATTACH, 1, None, None))
attempt("seize", lambda: call(libc.ptrace, SEIZE, 1, None, None))
parent = os.getppid()
attempt("the parent's", lambda: vm(libc.process_vm_readv, parent or 2**22 + 1, first_mapping(parent) if parent else 1))
