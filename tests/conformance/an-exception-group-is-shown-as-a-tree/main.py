raise ExceptionGroup("two things failed", [ValueError("bad value"), ExceptionGroup("nested", [TypeError("bad type")])])
