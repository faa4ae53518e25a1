import signal, subprocess
first = subprocess.Popen(["printf", "b\\na\\nc\\n"], stdout=subprocess.PIPE)
print(subprocess.run(["sort", "-r"], stdin=first.stdout, capture_output=True, text=True).stdout.split())
print(subprocess.run("exit 9", shell=True).returncode, subprocess.run("kill -9 $$", shell=True).returncode)
try:
    subprocess.run(["sleep", "20"], timeout=0.2)
except subprocess.TimeoutExpired as late:
    print(late.cmd, "took too long")
print(subprocess.getoutput("echo both; echo streams >&2"))
try:
    subprocess.run(["no-such-program"])
except FileNotFoundError as error:
    print(error)
