// As the package signal-exit does.
const { emit, reallyExit } = process;
process.emit = function (name, ...rest) {
  const result = emit.call(this, name, ...rest);
  if (name === 'exit') console.log('after exit', rest);
  return result;
};
process.reallyExit = function (code) { console.log('really', code); reallyExit.call(process, code); };
if (Date.now() < 0) process.exit(1);
