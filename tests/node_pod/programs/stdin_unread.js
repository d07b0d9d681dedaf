// input: nobody reads this
console.log(process.stdin.isTTY, process.stdin.constructor.name, process.stdin.fd);
