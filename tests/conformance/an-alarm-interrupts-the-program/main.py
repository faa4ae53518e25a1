import signal, time

class TooSlow(Exception):
    pass

def ring(*_):
    raise TooSlow

signal.signal(signal.SIGALRM, ring)
for arm in (lambda: signal.alarm(1), lambda: signal.setitimer(signal.ITIMER_REAL, 0.1)):
    arm()
    try:
        time.sleep(10)
    except TooSlow:
        print("rung")
