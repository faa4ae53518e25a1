import fcntl, mmap, pathlib, shutil, tempfile
print(tempfile.gettempdir(), pathlib.Path.home())
with tempfile.TemporaryDirectory() as folder, tempfile.NamedTemporaryFile(dir=folder) as file:
    file.write(b"temporary")
    file.flush()
    fcntl.flock(file, fcntl.LOCK_EX)
    print(mmap.mmap(file.fileno(), 0)[:4])
cache = pathlib.Path.home() / ".cache" / "app" / "state"
cache.parent.mkdir(parents=True)
cache.write_text("cached")
shutil.move(cache, "/work/state")
print(open("/work/state").read(), pathlib.Path("/dev/shm/x").write_text("shared"))
