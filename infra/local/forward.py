"""Lets containers reach services that listen on 127.0.0.1 only, and nobody else.

`python -m infra.local.forward --address 172.17.0.1 4566 5000` listens on these ports of Docker's bridge,
which only this machine's own containers reach, and passes each connection on to the same port of 127.0.0.1.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
from collections.abc import Sequence
from functools import partial

CHUNK = 64 * 1024
"""Bytes moved at once."""


async def serve(address: str, ports: Sequence[int], target: str = "127.0.0.1") -> list[asyncio.Server]:
    """Starts to forward.

    Args:
        address: Where to listen.
        ports: On which ports.
        target: Where the same ports are served.

    Returns:
        The servers, one for each port.

    Raises:
        OSError: A port is taken, or the address is not this machine's.
    """
    return [
        await asyncio.start_server(partial(_connect, target=target, port=port), address, port)
        for port in ports
    ]


async def _connect(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, target: str, port: int
) -> None:
    try:
        there_reader, there_writer = await asyncio.open_connection(target, port)
    except OSError:
        writer.close()  # as if nothing listened here either
        return
    await asyncio.gather(_pump(reader, there_writer), _pump(there_reader, writer))
    for end in (writer, there_writer):
        end.close()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while chunk := await reader.read(CHUNK):
            writer.write(chunk)
            await writer.drain()
    with contextlib.suppress(OSError):
        writer.write_eof()  # the other direction may still have something to say


async def _forward(address: str, ports: Sequence[int]) -> None:
    servers = await serve(address, ports)
    await asyncio.gather(*(server.serve_forever() for server in servers))


def main(arguments: Sequence[str] | None = None) -> None:
    """Forwards until it is stopped."""
    parser = argparse.ArgumentParser(
        prog="python -m infra.local.forward", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument("--address", required=True, help="address to listen on")
    parser.add_argument("ports", type=int, nargs="+", help="ports to forward to 127.0.0.1")
    options = parser.parse_args(arguments)
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_forward(options.address, options.ports))


if __name__ == "__main__":
    main()
