import os

from attempts import NEWNS, become_root_of_a_namespace, call, in_a_child, libc


def set_agent(who):
    os.makedirs("/tmp/cgroup", exist_ok=True)
    for options in (b"memory", b"rdma", b"none,name=x"):
        try:
            call(libc.mount, b"cgroup", b"/tmp/cgroup", b"cgroup", 0, options)
            with open("/tmp/cgroup/release_agent", "w") as agent:
                agent.write("/work/run-me")
            print(f"{who}: reached", flush=True)
            return
        except OSError:
            pass
    print(f"{who}: refused", flush=True)


def as_root():
    become_root_of_a_namespace(NEWNS)
    set_agent("as root of namespaces")


set_agent("as it is")
in_a_child(as_root)
