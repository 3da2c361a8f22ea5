import asyncio

from apps.chats.replylog import ReplyLog


async def test_a_reader_who_comes_late_reads_everything() -> None:
    log = ReplyLog()
    log.append({"n": 0})
    log.append({"n": 1})
    log.close()
    assert [frame["n"] async for frame in log.follow()] == [0, 1]
    assert [frame["n"] async for frame in log.follow(1)] == [1]


async def test_readers_follow_while_it_grows_each_at_their_own_pace() -> None:
    log = ReplyLog()

    async def read() -> list[int]:
        return [frame["n"] async for frame in log.follow()]

    readers = [asyncio.create_task(read()) for _ in range(3)]
    for number in range(100):
        log.append({"n": number})
        if number % 7 == 0:
            await asyncio.sleep(0)
    log.close()
    assert await asyncio.gather(*readers) == [list(range(100))] * 3


async def test_a_reader_of_an_empty_log_waits_for_its_end() -> None:
    log = ReplyLog()
    reader = asyncio.create_task(anext(log.follow(), None))
    await asyncio.sleep(0)
    assert not reader.done()
    log.close()
    assert await reader is None
