function work(n) { let s = 0; for (let i = 0; i < n; i++) s = (s * 31 + i) | 0; return s; }
for (let i = 0; i < 200; i++) work(100000);
const bytes = new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0, 1, 7, 1, 96, 2, 127, 127, 1, 127, 3, 2, 1, 0, 7, 7, 1, 3,
  97, 100, 100, 0, 0, 10, 9, 1, 7, 0, 32, 0, 32, 1, 106, 11]);
WebAssembly.instantiate(bytes).then(({ instance }) => {
  if (instance.exports.add(2, 40) !== 42) throw new Error('wasm');
  if (!/^(?<y>\d{4})$/u.exec('2024').groups.y) throw new Error('regexp');
  console.log('ok');
});
