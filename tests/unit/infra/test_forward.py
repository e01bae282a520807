"""Forwarding from one address to the same port of another."""

from __future__ import annotations

import asyncio
import socket

from infra.local.forward import serve

HERE, THERE = "127.0.0.1", "127.0.0.2"


def _free_port() -> int:
    with socket.socket() as one, socket.socket() as other:
        one.bind((HERE, 0))
        port: int = one.getsockname()[1]
        other.bind((THERE, port))
        return port


async def _talk(port: int, sent: bytes) -> bytes:
    reader, writer = await asyncio.open_connection(THERE, port)
    writer.write(sent)
    writer.write_eof()
    answer = await asyncio.wait_for(reader.read(), 20)
    writer.close()
    return answer


def test_what_is_sent_arrives_and_the_answer_comes_back_after_the_sender_is_done() -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        content = await reader.read()
        writer.write(content[::-1])
        await writer.drain()
        writer.close()

    async def play() -> bytes:
        port = _free_port()
        service = await asyncio.start_server(answer, HERE, port)
        (forward,) = await serve(THERE, [port])
        async with service, forward:
            return await _talk(port, b"abc" * 100_000)

    assert asyncio.run(play()) == b"cba" * 100_000


def test_where_nothing_is_served_the_connection_is_closed_and_the_next_one_still_taken() -> None:
    async def play() -> tuple[bytes, bytes]:
        port = _free_port()
        (forward,) = await serve(THERE, [port])
        async with forward:
            return await _talk(port, b""), await _talk(port, b"")

    assert asyncio.run(play()) == (b"", b"")
