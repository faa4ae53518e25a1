import os

from attempts import BIND, NEWNS, RECURSIVE, become_root_of_a_namespace, call, in_a_child, libc

DETACH, MOVE = 2, 8192


def others(proc):
    """Processes other than this one and its parent, and whether more of them can be known than their numbers."""
    own = {os.getpid(), os.getppid(), main}
    found = sorted(int(name) for name in os.listdir(proc) if name.isdigit() and int(name) not in own)
    return found


def say(what, act, proc):
    try:
        act()
    except OSError:
        print(f"{what}: refused", flush=True)
        return
    try:
        print(f"{what}: {others(proc)}", flush=True)
    except OSError:
        print(f"{what}: refused", flush=True)


def as_root():
    become_root_of_a_namespace(NEWNS)
    say("taken away", lambda: call(libc.umount2, b"/proc", DETACH), "/proc")
    os.makedirs("/tmp/elsewhere")
    say("by a move", lambda: call(libc.mount, b"/proc", b"/tmp/elsewhere", None, MOVE, None), "/proc")
    os.makedirs("/tmp/all")
    say("by a bind of /", lambda: call(libc.mount, b"/", b"/tmp/all", None, BIND | RECURSIVE, None), "/tmp/all/proc")


main = os.getpid()
print("before:", others("/proc"), flush=True)
in_a_child(as_root)
