// input: over the name\n
process.stdout.write(require('fs').readFileSync('/dev/stdin'));
