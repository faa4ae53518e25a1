import ctypes.util
import os
import pwd
import ssl

print(len(ssl.create_default_context().get_ca_certs()) > 100, ctypes.util.find_library("c"))
print(os.getuid(), pwd.getpwuid(os.getuid()).pw_dir)
print(sorted(name for name in ("hostname", "localtime", "machine-id", "resolv.conf") if os.path.lexists(f"/etc/{name}")))
