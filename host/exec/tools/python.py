"""Runs a program that may call tools of its client, in place of the program itself.

TOOLS is set beside this: the program's code, its tools, and the secret that marks what is said to
the host (see host/exec/tool_frames.hpp). What the host answers comes on stdin, a line of JSON each.
"""
import ast
import asyncio
import json
import linecache
import os
import selectors
import sys
import threading
import traceback

MOST_INPUT = 1 << 20
PIECE = 3000  # with its head still written at once: PIPE_BUF


class ToolError(RuntimeError):
    """A tool failed; the message is its own."""

    __module__ = "__main__"


def plain(value):
    """What JSON has for it: arrays and numbers of numpy, dates."""
    for method in ("tolist", "isoformat"):
        if hasattr(value, method):
            return getattr(value, method)()
    raise TypeError(f"a {type(value).__name__} cannot be passed to a tool; pass text or numbers")


class Channel:
    """Calls out, results in. Any thread that runs an event loop may call."""

    def __init__(self, secret):
        self.mark = b"\x1e" + secret.encode() + b" "
        self.out, self.results = os.dup(1), os.dup(0)
        nothing = os.open("/dev/null", os.O_RDONLY)
        os.dup2(nothing, 0)
        os.close(nothing)
        os.set_blocking(self.results, False)
        self.process = os.getpid()
        self.lock = threading.Lock()
        self.waiting = {}  # by the call's id: its loop and future
        self.calls = self.seen = 0
        self.told = None
        self.unread = bytearray()

    def say(self, words):
        os.write(self.out, self.mark + words.encode() + b"\n")

    async def call(self, tool, name, values):
        if os.getpid() != self.process:
            raise RuntimeError("tools can be called by the program's first process only")
        data = f"{tool} {json.dumps(values, default=plain, allow_nan=False)}"
        if len(data) > MOST_INPUT:
            raise ValueError(f"the input of {name} has {len(data)} bytes, it may have {MOST_INPUT}")
        loop = asyncio.get_running_loop()
        future = loop.create_future()
        with self.lock:
            self.calls += 1
            call = str(self.calls)
            self.waiting[call] = (loop, future)
        loop.add_reader(self.results, self.read)
        for at in range(0, len(data), PIECE):
            more = int(at + PIECE < len(data))
            self.say(f"call {call} {more} {data[at : at + PIECE]}")
        try:
            return await future
        finally:
            with self.lock:
                self.waiting.pop(call, None)
                last = all(other is not loop for other, _ in self.waiting.values())
            if last:
                loop.remove_reader(self.results)

    def read(self):
        with self.lock:
            try:
                while chunk := os.read(self.results, 1 << 16):
                    self.unread += chunk
                self.end()
            except BlockingIOError:
                pass
            *lines, rest = (
                bytes(self.unread).split(b"\n") if b"\n" in self.unread else [self.unread]
            )
            self.unread = bytearray(rest)
            for line in lines:
                self.take(json.loads(line))

    def take(self, answer):
        self.seen += 1
        waiting = self.waiting.pop(answer["id"], None)
        if waiting is None:
            return  # the program gave it up
        if "error" in answer:
            self.settle(*waiting, "set_exception", ToolError(answer["error"]))
        else:
            self.settle(*waiting, "set_result", answer.get("result"))

    def end(self):
        for loop, future in self.waiting.values():
            self.settle(loop, future, "set_exception", ToolError("the client has left"))
        self.waiting.clear()

    @staticmethod
    def settle(loop, future, how, value):
        def now():
            if not future.done():
                getattr(future, how)(value)

        loop.call_soon_threadsafe(now)

    def idle(self):
        """An event loop has nothing to do: what is waited for is to be asked now."""
        with self.lock:
            state = (self.calls, self.seen)
            if not self.waiting or state == self.told:
                return
            self.told = state
            seen = self.seen
        sys.stdout.flush()
        self.say(f"wait {seen}")


def selector_of(channel):
    class Selector(selectors.DefaultSelector):
        def select(self, timeout=None):
            if timeout is None or timeout > 0:
                channel.idle()
            return super().select(timeout)

    return Selector


def use_in_event_loops(channel):
    selector = selector_of(channel)

    class Policy(asyncio.DefaultEventLoopPolicy):
        def new_event_loop(self):
            return asyncio.SelectorEventLoop(selector())

    asyncio.set_event_loop_policy(Policy())


def function_of(channel, number, tool):
    names, name = tool["parameters"], tool["function"]

    async def function(*values, **named):
        if len(values) == 1 and isinstance(values[0], dict) and not named:
            if not names or set(values[0]) <= set(names):
                values, named = (), dict(values[0])
        if len(values) > len(names):
            raise TypeError(f"{name}() takes its arguments by name: {', '.join(names)}")
        for key, value in zip(names, values):
            if key in named:
                raise TypeError(f"{name}() got two values for {key}")
            named[key] = value
        given = {key: value for key, value in named.items() if value is not None}
        return await channel.call(number, name, given)

    function.__name__ = function.__qualname__ = name
    function.__module__ = "__main__"
    function.__doc__ = tool["description"]
    return function


def compiled(code, filename):
    """The program and whether its top level awaits; or as the body of a function, which may return."""
    flags = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
    try:
        return compile(code, filename, "exec", flags, dont_inherit=True), None
    except SyntaxError as error:
        first = error
    try:
        tree = ast.parse(code, filename)
        body = ast.parse("async def __program__(): pass")
        body.body[0].body = tree.body or body.body[0].body
        return compile(body, filename, "exec", dont_inherit=True), "__program__"
    except SyntaxError:
        raise first from None


def run(main, code):
    filename = main.get("__file__") or "main.py"
    linecache.cache[filename] = (len(code), None, code.splitlines(True), filename)
    try:
        program, function = compiled(code, filename)
        if function:
            exec(program, main)
            asyncio.run(main.pop(function)())
        elif program.co_flags & 0x80:  # CO_COROUTINE
            asyncio.run(eval(program, main))
        else:
            exec(program, main)
    except SystemExit:
        raise
    except BaseException as error:
        if isinstance(error, SyntaxError) and error.filename == filename and error.lineno:
            # The file of that name has other lines.
            error.text = linecache.getline(filename, error.lineno)
        own = error.__traceback__
        while own is not None and own.tb_frame.f_code.co_filename != filename:
            own = own.tb_next
        sys.stdout.flush()
        traceback.print_exception(error.with_traceback(own))
        sys.exit(1)


def begin(tools):
    main = sys.modules["__main__"].__dict__
    for name in [name for name in main if not name.startswith("__")]:
        del main[name]
    channel = Channel(tools["secret"])
    use_in_event_loops(channel)
    main.update(asyncio=asyncio, json=json, os=os, sys=sys, ToolError=ToolError)
    for number, tool in enumerate(tools["tools"]):
        main[tool["function"]] = function_of(channel, number, tool)
    run(main, tools["code"])


begin(TOOLS)
