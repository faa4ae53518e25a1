import os
import signal

signal.signal(signal.SIGTERM, signal.SIG_IGN)


def send(what, act):
    try:
        act()
    except OSError:
        pass
    print(f"{what}: still here", flush=True)


def send_all():
    for number in signal.valid_signals() - {signal.SIGKILL}:
        os.kill(1, number)


send("the init, every signal but one", send_all)
send("the init by a descriptor", lambda: signal.pidfd_send_signal(os.pidfd_open(1), signal.SIGTERM))
send("all", lambda: os.kill(-1, signal.SIGKILL))
send("the group", lambda: os.killpg(0, signal.SIGTERM))
print("the parent:", os.getppid())
os._exit(12)
