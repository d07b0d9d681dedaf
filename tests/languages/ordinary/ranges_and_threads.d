import core.thread, std.algorithm, std.concurrency, std.file, std.parallelism, std.process, std.range, std.stdio;

void child(Tid owner) { send(owner, receiveOnly!int + 1); }

void main() {
    assert(iota(10).map!(n => n * n).filter!(n => n % 2 == 0).sum == 120);
    assert(taskPool.reduce!"a + b"(iota(1000)) == 499_500);
    auto worker = spawn(&child, thisTid);
    send(worker, 41);
    assert(receiveOnly!int == 42);
    assert(executeShell("echo hi").output == "hi\n");
    mkdirRecurse("a/b");
    std.file.write("a/b/c", "text");
    assert(readText("a/b/c") == "text" && dirEntries("a", SpanMode.depth).walkLength == 2);
    auto fiber = new Fiber({ Fiber.yield(); });
    fiber.call();
    fiber.call();
    writeln("ok");
}
