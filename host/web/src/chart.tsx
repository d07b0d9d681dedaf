// Lines over the last minutes, drawn as SVG. What they say is told in words too.

export interface Line {
  name: string;
  colour: number;
  values: (number | null)[];
}

interface Props {
  title: string;
  lines: Line[];
  say(value: number): string;
  /** How far the first value lies back. */
  span: string;
}

const kWidth = 600;
const kHeight = 150;

export function Chart({ title, lines, say, span }: Props) {
  const all = lines.flatMap((line) => line.values.filter((value) => value !== null));
  const top = niceCeiling(Math.max(...all, 0));
  const latest = lines.map((line) => {
    const value = line.values.filter((one) => one !== null).at(-1);
    return `${line.name} ${value === undefined ? '–' : say(value!)}`;
  });
  return (
    <figure class="chart">
      <figcaption>
        <h2>{title}</h2>
        <ul>
          {lines.map((line, i) => (
            <li key={line.name}>
              <span class={`swatch line-${line.colour}`} aria-hidden="true" /> {latest[i]}
            </li>
          ))}
        </ul>
      </figcaption>
      <svg
        viewBox={`0 0 ${kWidth} ${kHeight}`}
        role="img"
        preserveAspectRatio="none"
        aria-label={`${title}, now: ${latest.join(', ')}`}
      >
        {[0, 0.5, 1].map((share) => (
          <line
            key={share}
            class="grid"
            x1="0"
            x2={kWidth}
            y1={y(share)}
            y2={y(share)}
            vector-effect="non-scaling-stroke"
          />
        ))}
        {lines.map((line) => (
          <path
            key={line.name}
            class={`line-${line.colour}`}
            d={path(line.values, top)}
            vector-effect="non-scaling-stroke"
          />
        ))}
      </svg>
      <div class="scale">
        <span>{span}</span>
        <span>{all.length ? `up to ${say(top)}` : 'nothing yet'}</span>
        <span>now</span>
      </div>
    </figure>
  );
}

const y = (share: number) => kHeight - 4 - share * (kHeight - 8);

function path(values: (number | null)[], top: number): string {
  const step = kWidth / Math.max(values.length - 1, 1);
  let drawing = false;
  return values
    .map((value, i) => {
      if (value === null) {
        drawing = false;
        return '';
      }
      const height = y(top ? value / top : 0).toFixed(1);
      const command = `${drawing ? 'L' : 'M'}${(i * step).toFixed(1)} ${height}`;
      // A single value between gaps is a short line, within the picture.
      const alone = !drawing && (values[i + 1] ?? null) === null;
      const dot = alone ? `h${i + 1 < values.length ? '' : '-'}8` : '';
      drawing = true;
      return command + dot;
    })
    .join('');
}

function niceCeiling(value: number): number {
  if (value <= 0) return 0;
  const power = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 5, 10].map((n) => n * power).find((n) => n >= value)!;
}
