<?php
declare(strict_types=1);
enum Suit: string { case Hearts = 'H'; case Spades = 'S'; }
final class Point { public function __construct(public readonly int $x) {} }
function numbers(): Generator { for ($i = 0; $i < 100000; $i++) yield $i; }
$sum = 0;
foreach (numbers() as $n) $sum += $n;
$file = new SplFileObject("t.csv", "w+");
$file->fputcsv(["a", "b,c"]); $file->rewind();
$pid = getmypid();
if ($sum !== 4999950000 || Suit::from('H') !== Suit::Hearts || (new Point(3))->x !== 3 || $file->fgetcsv() !== ["a", "b,c"]) exit(1);
if (hash('sha256', 'x') !== hash_file('sha256', (function () { file_put_contents('/tmp/x', 'x'); return '/tmp/x'; })())) exit(2);
echo match (true) { $pid > 0 && random_int(1, 2) > 0 => "ok\n" };
