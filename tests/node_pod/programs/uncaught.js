function deep(n) { if (n === 0) throw new TypeError('too deep'); deep(n - 1); }
console.log('before');
deep(3);
