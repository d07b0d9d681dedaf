// A program a language that does everything a language must be able to do here: it prints a line
// beyond ASCII, takes two arguments, reads standard input, reads an input file and leaves another.
// Beside it one that cannot be compiled (where there is a compiler) and one that fails.

export const kInput = 'first line\nsecond line\n';

export const kPrograms = {
  py: {
    whole: `
import sys
print("hello from py ✓")
print("args", "|".join(sys.argv[1:]))
print("stdin", sys.stdin.read().strip())
text = open("/mnt/data/in.txt").read()
open("out.txt", "w").write(text.upper())
`,
    fails: 'print("before")\nraise ValueError("went wrong")',
    says: /ValueError: went wrong/,
  },
  bash: {
    whole: `
echo "hello from bash ✓"
echo "args $1|$2"
echo "stdin $(cat)"
tr a-z A-Z < /mnt/data/in.txt > out.txt
`,
    fails: 'echo before\necho "went wrong" >&2\nexit 3',
    says: /went wrong/,
  },
  js: {
    whole: `
const fs = require('fs');
console.log('hello from js ✓');
console.log('args', process.argv.slice(2).join('|'));
console.log('stdin', fs.readFileSync(0, 'utf8').trim());
fs.writeFileSync('out.txt', fs.readFileSync('/mnt/data/in.txt', 'utf8').toUpperCase());
`,
    fails: 'console.log("before"); throw new Error("went wrong");',
    says: /Error: went wrong[\s\S]*main\.js:1/,
  },
  ts: {
    whole: `
import fs from 'fs';
enum Greeting { Hello = 'hello' }
interface Options { args: string[] }
const options: Options = { args: process.argv.slice(2) };
console.log(\`\${Greeting.Hello} from ts ✓\`);
console.log('args', options.args.join('|'));
const input: string = await Promise.resolve(fs.readFileSync(0, 'utf8'));
console.log('stdin', input.trim());
fs.writeFileSync('out.txt', fs.readFileSync('/mnt/data/in.txt', 'utf8').toUpperCase());
`,
    broken: 'const x: number = ;',
    explains: /main\.ts:1:18/,
    fails: 'interface A { b: number }\nconsole.log("before");\nthrow new Error("went wrong");',
    says: /Error: went wrong[\s\S]*main\.ts:3/, // the line of the source, not of what was made of it
  },
  go: {
    whole: `
package main

import (
	"fmt"
	"io"
	"os"
	"strings"
)

func main() {
	fmt.Println("hello from go ✓")
	fmt.Println("args", strings.Join(os.Args[1:], "|"))
	input, _ := io.ReadAll(os.Stdin)
	fmt.Println("stdin", strings.TrimSpace(string(input)))
	text, err := os.ReadFile("/mnt/data/in.txt")
	if err != nil {
		panic(err)
	}
	os.WriteFile("out.txt", []byte(strings.ToUpper(string(text))), 0644)
}
`,
    broken: 'package main\nfunc main() { undefined_function() }',
    explains: /main\.go:2:15: undefined: undefined_function/,
    fails: 'package main\nimport "fmt"\nfunc main() { fmt.Println("before"); panic("went wrong") }',
    says: /panic: went wrong/,
  },
  java: {
    whole: `
import java.nio.file.*;
import java.util.*;

record Pair(String left, String right) {}

public class Greeter {
  public static void main(String[] args) throws Exception {
    var pair = new Pair("hello", "java ✓");
    System.out.println(pair.left() + " from " + pair.right());
    System.out.println("args " + String.join("|", args));
    System.out.println("stdin " + new String(System.in.readAllBytes(), "UTF-8").strip());
    String text = Files.readString(Path.of("/mnt/data/in.txt"));
    Files.writeString(Path.of("out.txt"), text.toUpperCase(Locale.ROOT));
  }
}
`,
    broken: 'public class Broken { public static void main(String[] a) { int x = "text"; } }',
    explains: /Broken\.java:1: error: incompatible types/,
    fails:
      'class Main { public static void main(String[] a) { System.out.println("before"); throw new IllegalStateException("went wrong"); } }',
    says: /IllegalStateException: went wrong/,
  },
  c: {
    whole: `
#include <ctype.h>
#include <stdio.h>

int main(int argc, char **argv) {
  puts("hello from c ✓");
  printf("args %s|%s\\n", argv[1], argv[2]);
  char line[100] = "";
  printf("stdin %s", fgets(line, sizeof line, stdin) ? line : "nothing\\n");
  FILE *in = fopen("/mnt/data/in.txt", "r"), *out = fopen("out.txt", "w");
  for (int c; (c = fgetc(in)) != EOF;) fputc(toupper(c), out);
  return argc == 3 ? fclose(out) : 1;
}
`,
    broken: 'int main(void) { return undeclared; }',
    explains: /main\.c:1:25: error: .*undeclared/,
    fails:
      '#include <stdio.h>\nint main(void) { puts("before"); fputs("went wrong\\n", stderr); return 3; }',
    says: /went wrong/,
  },
  cpp: {
    whole: `
#include <algorithm>
#include <fstream>
#include <iostream>
#include <iterator>
#include <ranges>
#include <string>

int main(int argc, char** argv) {
  std::cout << "hello from cpp ✓\\n" << "args " << argv[1] << '|' << argv[argc - 1] << '\\n';
  std::string line;
  std::getline(std::cin, line);
  std::cout << "stdin " << line << '\\n';
  std::ifstream in("/mnt/data/in.txt");
  std::string text(std::istreambuf_iterator<char>(in), {});
  std::ranges::transform(text, text.begin(), [](unsigned char c) { return std::toupper(c); });
  std::ofstream("out.txt") << text;
}
`,
    broken: 'int main() { return std::string(1); }',
    explains: /main\.cpp:1:26: error:/,
    fails:
      '#include <iostream>\n#include <stdexcept>\nint main() { std::cout << "before" << std::endl; throw std::runtime_error("went wrong"); }',
    says: /what\(\): +went wrong/,
    status: 'signaled', // terminate() calls abort()
  },
  php: {
    whole: `<?php
echo "hello from php ✓\\n";
echo "args ", implode("|", array_slice($argv, 1)), "\\n";
echo "stdin ", trim(stream_get_contents(STDIN)), "\\n";
file_put_contents("out.txt", strtoupper(file_get_contents("/mnt/data/in.txt")));
`,
    fails: '<?php echo "before\\n"; throw new Exception("went wrong");',
    says: /Uncaught Exception: went wrong/,
  },
  rs: {
    whole: `
use std::io::Read;
fn main() {
    println!("hello from rs ✓");
    let args: Vec<String> = std::env::args().skip(1).collect();
    println!("args {}", args.join("|"));
    let mut input = String::new();
    std::io::stdin().read_to_string(&mut input).unwrap();
    println!("stdin {}", input.trim());
    let text = std::fs::read_to_string("/mnt/data/in.txt").unwrap();
    std::fs::write("out.txt", text.to_uppercase()).unwrap();
}
`,
    broken: 'fn main() { let x: u32 = "text"; }',
    explains: /error\[E0308\]: mismatched types/,
    fails: 'fn main() { println!("before"); panic!("went wrong"); }',
    says: /panicked at 'went wrong'/,
  },
  r: {
    whole: `
cat("hello from r \\u2713\\n")
cat("args", paste(commandArgs(trailingOnly = TRUE), collapse = "|"), "\\n")
cat("stdin", readLines(file("stdin")), "\\n")
writeLines(toupper(readLines("/mnt/data/in.txt")), "out.txt")
`,
    fails: 'cat("before\\n")\nstop("went wrong")',
    says: /Error: went wrong/,
  },
  f90: {
    whole: `
program hello
  implicit none
  character(len=100) :: line, first, second
  integer :: i, c, in, out, error
  print '(a)', 'hello from f90 ✓'
  call get_command_argument(1, first)
  call get_command_argument(2, second)
  print '(4a)', 'args ', trim(first), '|', trim(second)
  read '(a)', line
  print '(2a)', 'stdin ', trim(line)
  open(newunit=in, file='/mnt/data/in.txt', action='read')
  open(newunit=out, file='out.txt', action='write')
  do
    read(in, '(a)', iostat=error) line
    if (error /= 0) exit
    do i = 1, len_trim(line)
      c = iachar(line(i:i))
      if (c >= 97 .and. c <= 122) line(i:i) = achar(c - 32)
    end do
    write(out, '(a)') trim(line)
  end do
end program
`,
    broken: 'program broken\n  implicit none\n  x = 1\nend program',
    explains: /main\.f90:3:[\s\S]*no IMPLICIT type/,
    fails:
      "program fails\n  print '(a)', 'before'\n  flush(6)\n  error stop 'went wrong'\nend program",
    says: /went wrong/,
  },
  d: {
    whole: `
import std.array, std.file, std.stdio, std.string;

void main(string[] args) {
    writeln("hello from d ✓");
    writeln("args ", args[1 .. $].join("|"));
    writeln("stdin ", stdin.readln().strip());
    std.file.write("out.txt", readText("/mnt/data/in.txt").toUpper());
}
`,
    broken: 'void main() { int x = "text"; }',
    explains: /main\.d:1:23: error:/,
    fails:
      'import std.stdio;\nvoid main() { writeln("before"); throw new Exception("went wrong"); }',
    says: /Exception@[\s\S]*went wrong/,
  },
};

/** The aliases of the contract. */
export const kAliases = {
  python: 'py',
  javascript: 'js',
  node: 'js',
  nodejs: 'js',
  typescript: 'ts',
  sh: 'bash',
  'c++': 'cpp',
  rust: 'rs',
  fortran: 'f90',
  PYTHON: 'py',
  'C++': 'cpp',
  R: 'r',
};
