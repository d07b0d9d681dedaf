import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
abstract class Shape { constructor(protected readonly side: number) {} abstract area(): number; }
class Square extends Shape { area(): number { return this.side ** 2; } }
namespace Names { export const file = path.join('/mnt/data', 'area.json'); }
function first<T>(items: readonly T[]): T | undefined { return items[0]; }
const shapes: Shape[] = [new Square(3)];
await writeFile(Names.file, JSON.stringify({ area: first(shapes)?.area() }));
const read = JSON.parse(await readFile(Names.file, 'utf8')) as { area: number };
if (read.area !== 9) throw new Error(String(read.area));
console.log('ok');
