import asyncio

async def work(n):
    await asyncio.sleep(0.01 * n)
    return n

async def main():
    print(await asyncio.gather(*(work(n) for n in range(4))))
    p = await asyncio.create_subprocess_exec("echo", "sub", stdout=asyncio.subprocess.PIPE)
    print(await p.communicate())

asyncio.run(main())
