import signal
print(signal.pthread_sigmask(signal.SIG_BLOCK, []))
print([s.name for s in signal.valid_signals() - {32, 33} if isinstance(s, signal.Signals) and signal.getsignal(s) == signal.SIG_IGN])
