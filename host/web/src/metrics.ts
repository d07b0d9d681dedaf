// Reading the daemon's own metrics (the text format of Prometheus) and what changed between two
// readings.

export interface Sample {
  name: string;
  labels: Record<string, string>;
  value: number;
}

const kLine = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)/;
const kLabel = /([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)"/g;
const kEscapes: Record<string, string> = { '\\n': '\n', '\\"': '"', '\\\\': '\\' };

export function parseMetrics(text: string): Sample[] {
  const samples: Sample[] = [];
  for (const line of text.split('\n')) {
    const found = line[0] === '#' ? null : kLine.exec(line);
    if (!found) continue;
    const labels: Record<string, string> = {};
    for (const [, name, value] of (found[2] ?? '').matchAll(kLabel)) {
      labels[name] = value.replace(/\\[n"\\]/g, (escape) => kEscapes[escape]);
    }
    samples.push({
      name: found[1],
      labels,
      value: found[3] === '+Inf' ? Infinity : Number(found[3]),
    });
  }
  return samples;
}

type Filter = (labels: Record<string, string>) => boolean;

export const sum = (samples: Sample[], name: string, filter: Filter = () => true) =>
  samples.reduce(
    (total, one) => (one.name === name && filter(one.labels) ? total + one.value : total),
    0,
  );

/** Sums by one label. */
export function by(
  samples: Sample[],
  name: string,
  label: (labels: Record<string, string>) => string,
  filter: Filter = () => true,
) {
  const sums = new Map<string, number>();
  for (const one of samples) {
    if (one.name !== name || !filter(one.labels)) continue;
    const key = label(one.labels);
    sums.set(key, (sums.get(key) ?? 0) + one.value);
  }
  return sums;
}

/**
 * Counts in each bucket of a histogram, by upper bound in seconds; cumulative, as they are told.
 */
export function buckets(samples: Sample[], name: string, filter: Filter): Map<number, number> {
  const found = new Map<number, number>();
  for (const one of samples) {
    if (one.name !== `${name}_bucket` || !filter(one.labels)) continue;
    const bound = one.labels.le === '+Inf' ? Infinity : Number(one.labels.le);
    found.set(bound, (found.get(bound) ?? 0) + one.value);
  }
  return found;
}

/**
 * A quantile of what came between two readings, interpolated within its bucket; null when nothing
 * came.
 */
export function quantile(
  before: Map<number, number>,
  after: Map<number, number>,
  share: number,
): number | null {
  const bounds = [...after.keys()].sort((a, b) => a - b);
  const counts = bounds.map((bound) => after.get(bound)! - (before.get(bound) ?? 0));
  const total = counts.at(-1) ?? 0;
  if (total <= 0) return null;
  const wanted = share * total;
  const i = counts.findIndex((count) => count >= wanted);
  const low = i === 0 ? 0 : bounds[i - 1];
  if (bounds[i] === Infinity) return low;
  const below = i === 0 ? 0 : counts[i - 1];
  return low + ((bounds[i] - low) * (wanted - below)) / (counts[i] - below);
}
