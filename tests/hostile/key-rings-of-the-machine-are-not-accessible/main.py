from attempts import refused, syscall

ADD_KEY, REQUEST_KEY, KEYCTL = 248, 249, 250
READ, SEARCH = 11, 10
USER_RING, USER_SESSION_RING = -4, -5


refused("search", syscall, KEYCTL, SEARCH, USER_SESSION_RING, b"user", b"secret", 0)
refused("request", syscall, REQUEST_KEY, b"user", b"secret", None, USER_RING)
refused("read a user's ring", syscall, KEYCTL, READ, USER_RING, None, 0)
refused("add to a user's ring", syscall, ADD_KEY, b"user", b"mine", b"x", 1, USER_RING)
for name in ("keys", "users"):
    try:
        print(f"{name}:", len(open(f"/proc/key-{name}" if name == "users" else "/proc/keys").readlines()))
    except OSError:
        print(f"{name}: 0")
