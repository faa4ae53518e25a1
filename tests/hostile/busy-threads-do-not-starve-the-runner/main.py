import os

for raise_priority in (
    lambda: os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(50)),
    lambda: os.setpriority(os.PRIO_PROCESS, 0, -20),
):
    try:
        raise_priority()
    except OSError:
        pass
print("spinning", flush=True)
for _ in range(64):
    if os.fork() == 0:
        while True:
            pass
while True:
    pass
