import asyncio

async def serve(reader, writer):
    writer.write((await reader.readline()).upper())
    await writer.drain()
    writer.close()

async def talk(server_address, unix):
    reader, writer = await (asyncio.open_unix_connection(server_address) if unix
                            else asyncio.open_connection(*server_address))
    writer.write(b"hello\n")
    assert await reader.readline() == b"HELLO\n"
    writer.close()

async def main():
    unix = await asyncio.start_unix_server(serve, "/tmp/socket")
    await talk("/tmp/socket", True)
    unix.close()
    process = await asyncio.create_subprocess_exec("cat", stdin=-1, stdout=-1)
    assert (await process.communicate(b"x"))[0] == b"x"
    assert await asyncio.gather(*(asyncio.sleep(0.01, n) for n in range(10))) == list(range(10))
    assert await asyncio.to_thread(sum, [1, 2]) == 3

asyncio.run(main())
print("ok")
