/** Order of verdicts: the run's is the worst of error > fail > empty > warn > pass. */
import type { Verdict } from '../contracts/curated.js';

const ORDER: readonly Verdict[] = ['pass', 'warn', 'empty', 'fail', 'error'];

export const worstVerdict = (a: Verdict, b: Verdict): Verdict => (ORDER.indexOf(a) >= ORDER.indexOf(b) ? a : b);
