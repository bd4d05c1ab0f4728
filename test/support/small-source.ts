/** Writes a small source of its own to a folder: CSV files, source.yaml and mapping, with gaps between days. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { addDays } from '../../pipelines/days.js';

export interface SmallSource {
  pipelinesDir: string;
  dataDir: string;
  lines: number;
  /** Days with sales; every fifth calendar day has none. */
  daysWithSales: number;
  firstDay: string;
  lastDay: string;
  /** Exact, four decimals. */
  total: string;
}

const YAML = `name: small
title: A small source for tests
license: none
from: { kind: csv }
tables:
  sales:
    file: sales.csv
    columns: { order_id: text, day: date, city: text, seller: int, amount: 'numeric(18,4)' }
facts: [sales]
mapping: mapping.sql
`;

const MAPPING = `select order_id, row_number() over (partition by order_id order by rowid) as line, day as order_date,
  'Land' as country, 'State' as state, city, cast(seller as varchar) as employee_key,
  concat('Seller ', seller) as salesman, amount from raw.sales`;

const CITIES = ['Köln', 'São Paulo', "L'Aquila", 'Łódź', 'Bern', 'Oslo', 'Rome'];

export async function writeSmallSource(
  root: string,
  options: { days: number; linesPerDay: number; seed?: number },
): Promise<SmallSource> {
  const folder = join(root, 'pipelines', 'sources', 'small');
  const dataDir = join(root, 'data');
  await mkdir(folder, { recursive: true });
  await mkdir(dataDir, { recursive: true });
  await writeFile(join(folder, 'source.yaml'), YAML);
  await writeFile(join(folder, 'mapping.sql'), MAPPING);
  const firstDay = '2024-02-27';
  const rows = ['order_id,day,city,seller,amount'];
  let cents = 0;
  const withSales = new Set<string>();
  for (let index = 0; index < options.days; index += 1) {
    const day = addDays(firstDay, index);
    if (index % 5 === 3) continue;
    withSales.add(day);
    for (let line = 0; line < options.linesPerDay; line += 1) {
      const amount = ((index * 7919 + line * 104_729 + (options.seed ?? 0)) % 100_000) + 1;
      cents += amount;
      const text = `${Math.floor(amount / 100)}.${String(amount % 100).padStart(2, '0')}`;
      rows.push(`${day}-${line >> 1},${day},"${CITIES[(index + (line >> 1)) % CITIES.length]}",${line % 3},${text}`);
    }
  }
  await writeFile(join(dataDir, 'sales.csv'), `${rows.join('\n')}\n`);
  return {
    pipelinesDir: join(root, 'pipelines'),
    dataDir,
    lines: rows.length - 1,
    daysWithSales: withSales.size,
    firstDay,
    lastDay: [...withSales].at(-1) as string,
    total: `${Math.floor(cents / 100)}.${String(cents % 100).padStart(2, '0')}00`,
  };
}
