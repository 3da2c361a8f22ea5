import asyncio

import pytest

from apps.chats.coalescer import Coalescer


async def test_the_first_piece_leaves_at_once() -> None:
    frames: list[str] = []
    said = Coalescer(frames.append)
    said.add("Hello")
    assert frames == ["Hello"]


async def test_what_follows_waits_for_the_window_and_leaves_as_one() -> None:
    frames: list[str] = []
    arrived = asyncio.Event()

    def emit(text: str) -> None:
        frames.append(text)
        if len(frames) == 2:
            arrived.set()

    said = Coalescer(emit, window=0.001)
    for piece in ("Hello", ",", " ", "world"):
        said.add(piece)
    assert frames == ["Hello"]
    await arrived.wait()
    assert frames == ["Hello", ", world"]


async def test_flushing_leaves_nothing_behind_and_says_nothing_twice() -> None:
    frames: list[str] = []
    said = Coalescer(frames.append, window=60)
    for piece in ("a", "b", "", "c"):
        said.add(piece)
    said.flush()
    said.flush()
    assert frames == ["a", "bc"]
    assert said.text == "abc"


async def test_no_more_pieces_are_told_than_are_paid_for() -> None:
    frames: list[str] = []
    said = Coalescer(frames.append, window=60)
    said.most = 3
    for piece in "abcde":
        said.add(piece)
    said.flush()
    assert (frames, said.pieces, said.length) == (["a", "bc"], 3, 3)


async def test_whoever_has_heard_enough_says_so_before_the_next_window() -> None:
    def refuse() -> None:
        raise StopIteration

    frames: list[str] = []
    said = Coalescer(frames.append, window=60)
    said.add("a")
    said.add("b")
    said.on_open = refuse
    said.add("c")
    said.flush()
    with pytest.raises(StopIteration):
        said.add("d")
    said.flush()
    assert frames == ["a", "bc"]
