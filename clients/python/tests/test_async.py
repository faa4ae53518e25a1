"""The async client."""

import asyncio
import contextlib
import io
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from cofferdam import AsyncClient, Ended, GoneError, Output, Watching


async def _parts() -> AsyncGenerator[bytes, None]:
    for part in (b"a", b"b"):
        yield part


def test_executions_run_at_once(sidecar: str) -> None:
    async def main() -> None:
        async with AsyncClient(sidecar) as client, await client.create_session() as session:
            first, second = await asyncio.gather(session.run("print(1)"), session.shell("echo 2"))
            assert (first.text, second.text) == ("1\n", "2\n")
            process = await session.start("read line; echo got $line", open_stdin=True)
            await process.write_stdin("it\n")
            events = [event async for event in process.output()]
            assert b"".join(event.data for event in events if isinstance(event, Output)) == b"got it\n"
            assert isinstance(events[-1], Ended)
            assert await process.wait() == events[-1].end
            assert (await session.usage()).cpu_time_ms > 0
            await session.update(timeout=60)
            assert [found.id for found in await client.sessions()].count(session.id) == 1
            await session.close()
            with pytest.raises(GoneError):
                await session.refresh()

    asyncio.run(main())


def test_files_of_every_form_are_written_and_read_async(sidecar: str, tmp_path: Path) -> None:
    async def main() -> None:
        async with AsyncClient(sidecar) as client, await client.create_session() as session:
            files = session.files
            for content in (b"ab", "ab", io.BytesIO(b"ab"), [b"a", b"b"], _parts()):
                await files.write("d/f", content)
                assert await files.read("d/f") == b"ab"
            assert [entry.name for entry in await files.list("d")] == ["f"]
            assert await files.read_tree("d", tmp_path / "copy") == ()
            await files.write_tree("e", tmp_path / "copy")
            await files.move("e/f", "e/g")
            assert (await files.stat("e/g")).size == 2
            async with contextlib.aclosing(files.watch("e")) as events:
                assert await anext(events) == Watching()
            await files.remove("e")

    asyncio.run(main())


def test_a_cancelled_call_ends_its_execution(sidecar: str) -> None:
    async def main() -> None:
        async with AsyncClient(sidecar) as client, await client.create_session() as session:
            call = asyncio.create_task(session.shell("echo > started; sleep 60", id="slow"))
            async with contextlib.aclosing(session.files.watch()) as events:
                async for _ in events:
                    if "started" in {entry.name for entry in await session.files.list()}:
                        break
            call.cancel()
            await asyncio.wait([call])
            assert (await session.process("slow").wait()).exit_code != 0

    asyncio.run(main())
