"""What installation scripts would write, and nothing of the machine that builds."""

# The users that programs look up, and the one that they run as.
PASSWD = """\
root:x:0:0:root:/root:/bin/bash
daemon:x:1:1:daemon:/usr/sbin:/usr/sbin/nologin
nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin
user:x:1001:1001:user:/home/user:/bin/bash
"""
GROUP = """\
root:x:0:
daemon:x:1:
tty:x:5:
users:x:100:
nogroup:x:65534:
user:x:1001:
"""
PROFILE = """\
if [ -n "${BASH-}" ] && [ "$BASH" != /bin/sh ]; then
  . /etc/bash.bashrc
fi
"""
BASHRC = """\
if [ -n "${PS1-}" ]; then
  PS1='\\u@\\h:\\w\\$ '
fi
"""
FILES = {
    "bash.bashrc": BASHRC,
    "group": GROUP,
    "hosts": "127.0.0.1\tlocalhost sandbox\n::1\tlocalhost\n",
    "nsswitch.conf": "passwd: files\ngroup: files\nhosts: files dns\n",
    "passwd": PASSWD,
    "profile": PROFILE,
    "shells": "/bin/sh\n/bin/bash\n",
}
# Directories on which others are mounted, or that every distribution has.
FOLDERS = [
    *["dev", "home/user", "media", "mnt", "opt", "proc", "root", "run", "srv", "sys", "tmp", "work"],
    *["var/cache", "var/lib", "var/log", "var/tmp"],
]
CERTIFICATES = "usr/share/ca-certificates/mozilla"


def write(tree):
    for folder in FOLDERS:
        tree.folder(folder)
    for name, content in FILES.items():
        tree.file(f"etc/{name}", content.encode())
    certificates = sorted((tree.root / CERTIFICATES).glob("*.crt"))
    tree.file("etc/ssl/certs/ca-certificates.crt", b"".join(one.read_bytes() for one in certificates))
