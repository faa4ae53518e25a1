import asyncio

async def run(script):
    process = await asyncio.create_subprocess_exec("bash", "-c", script, stdin=-1, stdout=-1, stderr=-1)
    out, err = await process.communicate(b"input\n")
    return process.returncode, out, err

async def main():
    print(await asyncio.gather(run("cat"), run("read line; echo problem >&2; exit 3"), run("read line; sleep 0.1; echo late")))

asyncio.run(main())
