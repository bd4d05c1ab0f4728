/** What the fault script is asked to do: `engines [--rounds N] [--seed N] [--json] [--keep]`. */

export interface ChaosOptions {
  rounds: number;
  seed: number;
  /** One JSON object on stdout. */
  json: boolean;
  /** Leaves servers, data and logs as they are at the end; data and logs stay after a failure too. */
  keep: boolean;
}

const USAGE = 'usage: chaos engines [--rounds N] [--seed N] [--json] [--keep]';

export function parseOptions(args: readonly string[]): ChaosOptions {
  const options: ChaosOptions = { rounds: 20, seed: Date.now() % 1_000_000, json: false, keep: false };
  const [suite, ...rest] = args;
  if (suite !== 'engines') throw new Error(USAGE);
  for (let at = 0; at < rest.length; at += 1) {
    const name = rest[at];
    if (name === '--json') options.json = true;
    else if (name === '--keep') options.keep = true;
    else if (name === '--rounds' || name === '--seed')
      options[name.slice(2) as 'rounds' | 'seed'] = whole(name, rest[(at += 1)]);
    else throw new Error(`${name} is not known; ${USAGE}`);
  }
  return options;
}

function whole(name: string, text: string | undefined): number {
  const value = Number(text);
  if (text === undefined || !Number.isInteger(value) || value < 1)
    throw new Error(`${name} wants a whole number from 1; ${USAGE}`);
  return value;
}
