import os
import resource


def raise_limit(kind):
    hard = resource.getrlimit(kind)[1]
    try:
        resource.setrlimit(kind, (hard + 1, hard + 1))
        return "reached"
    except (OSError, ValueError):
        return "refused"


print("processes:", raise_limit(resource.RLIMIT_NPROC))
print("core files:", raise_limit(resource.RLIMIT_CORE))
os.sys.stdout.flush()
child = os.fork()
if child == 0:
    os.abort()
print("a core file:", os.WCOREDUMP(os.waitpid(child, 0)[1]))
