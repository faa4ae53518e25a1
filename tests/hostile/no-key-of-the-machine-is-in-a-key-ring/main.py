from attempts import syscall

ADD_KEY, REQUEST_KEY, KEYCTL = 248, 249, 250
READ, SEARCH = 11, 10
USER_RING, USER_SESSION_RING = -4, -5


def refused(what, *args):
    try:
        syscall(*args)
        print(f"{what}: reached")
    except OSError:
        print(f"{what}: refused")


refused("search", KEYCTL, SEARCH, USER_SESSION_RING, b"user", b"secret", 0)
refused("request", REQUEST_KEY, b"user", b"secret", None, USER_RING)
refused("read a user's ring", KEYCTL, READ, USER_RING, None, 0)
refused("add to a user's ring", ADD_KEY, b"user", b"mine", b"x", 1, USER_RING)
for name in ("keys", "users"):
    try:
        print(f"{name}:", len(open(f"/proc/key-{name}" if name == "users" else "/proc/keys").readlines()))
    except OSError:
        print(f"{name}: 0")
