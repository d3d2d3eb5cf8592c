# SPDX-License-Identifier: BSD-2-Clause
"""
A relay to a PostgreSQL that is further away than it is: each octet comes so many
milliseconds later, in both directions. Between unix sockets.

usage: pgsql_delay.py FROM TO MS
"""
import asyncio
import os
import signal
import sys


async def carry(reader, writer, delay_s):
    """What has come, at its time; more of it may come meanwhile."""
    due = asyncio.Queue()
    loop = asyncio.get_running_loop()

    async def deliver():
        while True:
            at, octets = await due.get()
            await asyncio.sleep(at - loop.time())
            if not octets:
                break
            writer.write(octets)
        writer.close()

    task = asyncio.create_task(deliver())
    while octets := await reader.read(65536):
        due.put_nowait((loop.time() + delay_s, octets))
    due.put_nowait((loop.time() + delay_s, b''))
    await task


async def main(here, there, delay_s):
    async def serve(reader, writer):
        far_reader, far_writer = await asyncio.open_unix_connection(there)
        await asyncio.gather(carry(reader, far_writer, delay_s),
                             carry(far_reader, writer, delay_s),
                             return_exceptions=True)

    async with await asyncio.start_unix_server(serve, here) as server:
        # Whoever ends it has ended what it carries for.
        asyncio.get_running_loop().add_signal_handler(
            signal.SIGTERM, lambda: os._exit(0))
        print('ready', flush=True)
        await server.serve_forever()


asyncio.run(main(sys.argv[1], sys.argv[2], float(sys.argv[3]) / 1000))
