'use strict';
// What a warm node pod does before its program: loaded by NODE_OPTIONS=--require, it waits for the
// run inside of node's own start, just before that looks at /mnt/code/main.js. What comes after is
// the start of node itself: loaders, module kinds, stack traces and exit are its own.
// The messages are those of plugins/runtime/sandbox/ahead.hpp and protocol.hpp, in host byte order.

const { isMainThread } = require('worker_threads');
const Module = require('module');

// Threads load what their process loaded ahead, too: of this they need nothing.
if (isMainThread) start();
delete require.cache[__filename];

function start() {
  const fs = require('fs');
  const { writeSync, readSync, writeFileSync, unlinkSync, fstatSync } = fs;
  const { reallyExit, emit } = process;
  const { apply } = Reflect;

  const socket = 3;
  const { dev, ino } = fstatSync(socket);
  const main = '/mnt/code/main.js';
  const workspace = '/mnt/data';
  const step = { waiting: 1, execFailed: 6, done: 7 };
  const headBytes = 64;
  const inlinePayload = 96 * 1024;

  const word = Buffer.alloc(8);
  const words = new DataView(word.buffer, word.byteOffset, 8);
  function say(what, value) {
    words.setUint32(0, what, true);
    words.setInt32(4, value, true);
    writeSync(socket, word, 0, 8);
  }

  // -------------------------------------------------------------- before the run

  // A program like any other, with its output held back: it makes node load and compile what every
  // program needs, and touch the memory.
  function rehearse() {
    const methods = ['writeUtf8String', 'writeLatin1String', 'writeBuffer', 'writev'];
    const handles = [process.stdout._handle, process.stderr._handle];
    for (const handle of handles) {
      for (const method of methods) handle[method] = () => 0;
    }
    writeFileSync(main, 'console.log("%s", require("path").sep, 1, [1], {a: "b"});' +
                        'console.error(1); process.argv.slice(2); setTimeout;');
    Module._load(main, null, true);
    delete require.cache[main];
    delete process.mainModule;
    unlinkSync(main);
    for (const handle of handles) {
      for (const method of methods) delete handle[method];
    }
  }

  // -------------------------------------------------------------- the run

  // Strings of a length and their bytes, lists of a count and its strings.
  function reader(bytes) {
    let at = 0;
    const number = () => {
      const value = bytes.readUInt32LE(at);
      at += 4;
      return value;
    };
    const string = () => {
      const size = number();
      at += size;
      return bytes.subarray(at - size, at);
    };
    const list = () => Array.from({ length: number() }, () => string().toString());
    return { string, list };
  }

  function waitForRun() {
    const packet = Buffer.allocUnsafe(headBytes + inlinePayload + 64);
    say(step.waiting, process.pid);
    // The first packet only says that the second comes: see ahead.hpp.
    if (readSync(socket, packet) === 0) reallyExit(0);
    const size = readSync(socket, packet);
    if (size <= headBytes) reallyExit(0);  // pid 1 is gone, and so are we
    return packet.subarray(headBytes, size);
  }

  function take(run) {
    run.string();  // the name of the source: only those with this one come here
    writeSource(run.string());
    run.list();  // no compile step
    const command = run.list();
    const environment = run.list();
    for (const name of Object.keys(process.env)) delete process.env[name];
    for (const variable of environment) {
      const equals = variable.indexOf('=');
      process.env[variable.slice(0, equals)] = variable.slice(equals + 1);
    }
    process.argv.splice(2, Infinity, ...command.slice(2));
    process.chdir(workspace);  // the inputs have been mounted over it meanwhile
    Module._initPaths();       // NODE_PATH and HOME
  }

  function writeSource(code) {
    try {
      writeFileSync(main, code);
    } catch (error) {
      say(step.execFailed, -error.errno);
      reallyExit(127);
    }
  }

  // pid 1 need not wait until a big process has cleared itself away. Whatever ends otherwise, by an
  // uncaught exception or a signal, is told by its wait status; so is a program that puts something
  // of its own in these places.
  function tellTheEnd() {
    const done = (code) => {
      try {
        // The program may have closed the socket and opened something of its own there.
        const now = fstatSync(socket);
        if (now.dev === dev && now.ino === ino) say(step.done, code);
      } catch {
        // The program closed the socket: its death tells.
      }
    };
    process.reallyExit = function (code) {  // where every process.exit() ends
      done(code ?? 0);
      return apply(reallyExit, process, arguments);
    };
    // The natural end has no other place that comes last. Not there from the beginning: it would
    // be seen in the stack traces of what listens to any event.
    process.on('beforeExit', () => {
      if (process.emit !== emit) return;
      const value = function (name, ...rest) {
        const result = apply(emit, this, [name, ...rest]);
        const natural = name === 'exit' && process._exiting === true && rest[0] === 0;
        if (natural && !process.exitCode && process.emit === value) done(0);
        return result;
      };
      Object.defineProperty(process, 'emit',
                            { value, writable: true, configurable: true, enumerable: false });
    });
  }

  rehearse();
  const payload = waitForRun();
  take(reader(payload));
  tellTheEnd();
}
