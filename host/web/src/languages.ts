// What the page knows of languages: their names, a first program, and the editor's grammar, which
// is loaded when the language is chosen.

import type { Extension } from '@codemirror/state';

interface Known {
  title: string;
  sample: string;
  grammar: () => Promise<Extension>;
}

const legacy = async (mode: Promise<Record<string, any>>, name: string): Promise<Extension> => {
  const [{ StreamLanguage }, parts] = await Promise.all([import('@codemirror/language'), mode]);
  return StreamLanguage.define(parts[name]);
};

const known: Record<string, Known> = {
  py: {
    title: 'Python',
    sample: `import matplotlib.pyplot as plt
import numpy as np

x = np.linspace(0, 4 * np.pi, 400)
for shift in range(3):
    y = np.sin(x + shift) * np.exp(-x / 9)
    plt.plot(x, y, label=f"shift {shift}")
plt.legend()

# Pictures saved here appear on the page.
plt.savefig("/mnt/data/waves.png", dpi=110)
print("three waves, drawn in", x.size, "points")
`,
    grammar: async () => (await import('@codemirror/lang-python')).python(),
  },
  bash: {
    title: 'Bash',
    sample: `for i in 1 2 3; do
  echo "step $i"
  sleep 0.5
done
echo "done: $(date -u)"
`,
    grammar: () => legacy(import('@codemirror/legacy-modes/mode/shell'), 'shell'),
  },
  js: {
    title: 'JavaScript',
    sample: `const squares = Array.from({ length: 10 }, (_, i) => i * i);
console.log('squares:', squares.join(', '));
`,
    grammar: async () => (await import('@codemirror/lang-javascript')).javascript(),
  },
  ts: {
    title: 'TypeScript',
    sample: `type Point = { x: number; y: number };

const far = ({ x, y }: Point): number => Math.hypot(x, y);
console.log('distance', far({ x: 3, y: 4 }));
`,
    grammar: async () =>
      (await import('@codemirror/lang-javascript')).javascript({ typescript: true }),
  },
  go: {
    title: 'Go',
    sample: `package main

import "fmt"

func main() {
	for i := 1; i <= 5; i++ {
		fmt.Println(i, i*i)
	}
}
`,
    grammar: async () => (await import('@codemirror/lang-go')).go(),
  },
  java: {
    title: 'Java',
    sample: `public class Main {
    public static void main(String[] args) {
        System.out.println("Hello from Java " + System.getProperty("java.version"));
    }
}
`,
    grammar: async () => (await import('@codemirror/lang-java')).java(),
  },
  c: {
    title: 'C',
    sample: `#include <stdio.h>

int main(void) {
    for (int i = 1; i <= 5; i++) printf("%d squared is %d\\n", i, i * i);
    return 0;
}
`,
    grammar: async () => (await import('@codemirror/lang-cpp')).cpp(),
  },
  cpp: {
    title: 'C++',
    sample: `#include <iostream>
#include <numeric>
#include <vector>

int main() {
    std::vector<int> numbers(10);
    std::iota(numbers.begin(), numbers.end(), 1);
    std::cout << "sum: " << std::accumulate(numbers.begin(), numbers.end(), 0) << '\\n';
}
`,
    grammar: async () => (await import('@codemirror/lang-cpp')).cpp(),
  },
  php: {
    title: 'PHP',
    sample: `<?php
foreach (['north', 'south'] as $region) {
    echo strtoupper($region), PHP_EOL;
}
`,
    grammar: async () => (await import('@codemirror/lang-php')).php(),
  },
  rs: {
    title: 'Rust',
    sample: `fn main() {
    let total: u32 = (1..=10).sum();
    println!("the sum is {total}");
}
`,
    grammar: async () => (await import('@codemirror/lang-rust')).rust(),
  },
  r: {
    title: 'R',
    sample: `x <- c(2, 3, 5, 7, 11)
print(summary(x))
`,
    grammar: () => legacy(import('@codemirror/legacy-modes/mode/r'), 'r'),
  },
  f90: {
    title: 'Fortran',
    sample: `program squares
  implicit none
  integer :: i
  do i = 1, 5
    print *, i, i * i
  end do
end program squares
`,
    grammar: () => legacy(import('@codemirror/legacy-modes/mode/fortran'), 'fortran'),
  },
  d: {
    title: 'D',
    sample: `import std.stdio;

void main() {
    writeln("Hello from D");
}
`,
    grammar: () => legacy(import('@codemirror/legacy-modes/mode/d'), 'd'),
  },
};

/** Its name for people; one that the operator added has only its own. */
export const titleOf = (lang: string) => known[lang]?.title ?? lang;
export const sampleOf = (lang: string) => known[lang]?.sample ?? '';
export const grammarOf = (lang: string): Promise<Extension> =>
  known[lang]?.grammar() ?? Promise.resolve([]);
