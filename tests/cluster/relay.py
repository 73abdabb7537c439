"""A TCP relay for connections that iptables redirects here: delays, throttles, or leaves them half open.

Bytes keep their order; each piece waits --delay-ms and up to --jitter-ms more, and leaves at --kilobytes a second at most.
With --half-open-after, that many seconds after a connection began its far side is closed and its near side is not told."""
import argparse
import asyncio
import random
import socket
import struct

SO_ORIGINAL_DST = 80


def wanted(writer):
    """To where the connection was going before it was redirected."""
    found = writer.get_extra_info("socket").getsockopt(socket.SOL_IP, SO_ORIGINAL_DST, 16)
    port, ip = struct.unpack("!2xH4s8x", found)
    return socket.inet_ntoa(ip), port


async def carry(reader, writer, o, held):
    loop, due, queue = asyncio.get_running_loop(), 0.0, asyncio.Queue(64)

    async def deliver():
        while (item := await queue.get()) is not None:
            at, piece = item
            await asyncio.sleep(max(0.0, at - loop.time()))
            if held.is_set():
                continue  # half open: nobody is there any more
            writer.write(piece)
            await writer.drain()

    delivering = asyncio.create_task(deliver())
    try:
        while piece := await reader.read(16384):
            due = max(due, loop.time() + (o.delay_ms + random.random() * o.jitter_ms) / 1000)
            if o.kilobytes:
                due += len(piece) / (o.kilobytes * 1000)
            await queue.put((due, piece))
    except OSError:
        pass
    await queue.put(None)
    try:
        await delivering
    except OSError:
        pass
    if not held.is_set():
        writer.close()


async def serve(near_reader, near_writer, o):
    held = asyncio.Event()
    try:
        far_reader, far_writer = await asyncio.open_connection(*wanted(near_writer))
    except OSError:
        near_writer.close()
        return
    both = [asyncio.create_task(carry(near_reader, far_writer, o, held)), asyncio.create_task(carry(far_reader, near_writer, o, held))]
    if o.half_open_after:
        await asyncio.sleep(o.half_open_after)
        held.set()
        far_writer.transport.abort()
    await asyncio.gather(*both)


async def main():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("--port", type=int, required=True)
    p.add_argument("--delay-ms", type=float, default=0)
    p.add_argument("--jitter-ms", type=float, default=0)
    p.add_argument("--kilobytes", type=float, default=0)
    p.add_argument("--half-open-after", type=float, default=0)
    o = p.parse_args()
    server = await asyncio.start_server(lambda r, w: serve(r, w, o), "0.0.0.0", o.port)
    print("listens", flush=True)
    async with server:
        await server.serve_forever()


asyncio.run(main())
