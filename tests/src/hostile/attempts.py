"""Shared by hostile programs. Each attempt prints one line with its result."""
import ctypes
import errno
import os

libc = ctypes.CDLL(None, use_errno=True)

NEWNS, NEWUSER, NEWPID, NEWNET = 0x00020000, 0x10000000, 0x20000000, 0x40000000
BIND, REMOUNT, READ_ONLY, RECURSIVE, PRIVATE = 4096, 32, 1, 16384, 1 << 18


def attempt(what, act):
    """Prints the error of an act, or "reached" if it succeeded."""
    try:
        found = act()
    except OSError as error:
        print(f"{what}: {errno.errorcode.get(error.errno, error)}")
    else:
        print(f"{what}: reached {found!r}")


def call(function, *args):
    """Calls a C function and raises an OSError if it fails."""
    result = function(*args)
    if result == -1:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result


def syscall(number, *args):
    """Makes a system call that has no C function."""
    return call(libc.syscall, number, *args)


def refused(what, function, *args):
    """Prints whether a call was refused, with any error."""
    try:
        function(*args)
        print(f"{what}: reached")
    except OSError:
        print(f"{what}: refused")


def in_a_child(act):
    """Calls act in a child process and waits for it."""
    child = os.fork()
    if child == 0:
        try:
            act()
        finally:
            os._exit(0)
    os.waitpid(child, 0)


def become_root_of_a_namespace(kinds):
    """Enters new namespaces in which this user is root."""
    uid, gid = os.getuid(), os.getgid()
    call(libc.unshare, NEWUSER | kinds)
    for file, line in (("setgroups", "deny"), ("uid_map", f"0 {uid} 1"), ("gid_map", f"0 {gid} 1")):
        try:
            with open(f"/proc/self/{file}", "w") as opened:
                opened.write(line)
        except FileNotFoundError:
            pass
